//! The post where no server is configured: each mail becomes a file that mail programs open.
//!
//! A file is named after its mail's key, so that a mail that is sent again takes the place of the first.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use lettre::message::Mailbox;
use quadrille::Failure;

use super::{Letter, Post};

/// A folder of mails.
pub struct Folder {
    folder: PathBuf,
    from: Mailbox,
}

impl Folder {
    /// A folder, which is made with the first mail, and who mails are from.
    pub fn new(folder: &Path, from: Mailbox) -> Self {
        Self {
            folder: folder.to_owned(),
            from,
        }
    }

    fn write(&self, name: &str, mail: &[u8]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        // Nobody sees half a mail: it gets its name when it is all there.
        let unfinished = self.folder.join(format!(".{name}.part"));
        let mut file = std::fs::File::create(&unfinished)?;
        file.write_all(mail)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, self.folder.join(format!("{name}.eml")))
    }
}

#[async_trait]
impl Post for Folder {
    async fn send(&self, letter: Letter) -> Result<(), Failure> {
        let name = letter.key().to_string();
        let mail = letter.message(&self.from)?.formatted();
        self.write(&name, &mail)
            .map_err(|error| Failure::outage("mail_folder", error))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use quadrille::Remedy;
    use quadrille::id::EffectKey;

    use super::*;

    fn letter(key: &str) -> Letter {
        let (key, text) = (EffectKey::new(key), "Hello\n".to_owned());
        Letter::new(
            &key,
            "ada@example.org",
            "Hello",
            text,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap()
    }

    fn folder(path: &Path) -> Folder {
        Folder::new(path, "orders@example.invalid".parse().unwrap())
    }

    #[tokio::test]
    async fn a_mail_is_a_file_and_sent_again_it_is_the_same_one() {
        let path = tempfile::tempdir().unwrap();
        let mails = path.path().join("new/mail");
        for key in ["a", "b", "a"] {
            folder(&mails).send(letter(key)).await.unwrap();
        }
        let mut names: Vec<_> = std::fs::read_dir(&mails)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["a.eml", "b.eml"]);
        let mail = std::fs::read_to_string(mails.join("a.eml")).unwrap();
        assert!(mail.contains("From: orders@example.invalid\r\n"), "{mail}");
        assert!(
            mail.ends_with("\r\n\r\nHello\r\n") || mail.ends_with("\r\n\r\nHello\n"),
            "{mail}"
        );
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_to_is_an_outage() {
        let path = tempfile::tempdir().unwrap();
        let file = path.path().join("file");
        std::fs::write(&file, "").unwrap();
        let failure = folder(&file).send(letter("a")).await.unwrap_err();
        assert_eq!(
            (failure.remedy(), failure.code()),
            (Remedy::Wait, "mail_folder")
        );
        assert!(!failure.chain().contains("ada"));
    }
}
