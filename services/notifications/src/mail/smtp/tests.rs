use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use quadrille::Remedy;
use quadrille::id::EffectKey;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server that answers each recipient in one way, and notes the mails that it took.
struct Server {
    address: String,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn answering(recipient: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mails: Arc<Mutex<Vec<String>>> = Arc::default();
        let taken = Arc::clone(&mails);
        #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
        drop(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, recipient, &taken).await;
            }
        }));
        Self { address, mails }
    }

    async fn send(&self) -> Result<(), Failure> {
        send(&self.address).await
    }
}

async fn serve(stream: TcpStream, recipient: &str, taken: &Mutex<Vec<String>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 here\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let word = line.split(' ').next().unwrap().to_uppercase();
        let answer = match word.as_str() {
            "RCPT" => recipient,
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                let mut mail = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail.push_str(&line);
                    mail.push('\n');
                }
                taken.lock().unwrap().push(mail);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 well",
        };
        if write
            .write_all(format!("{answer}\r\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn send(address: &str) -> Result<(), Failure> {
    let config = Config {
        server: Some(address.parse().unwrap()),
        ..Config::of_folder("unused")
    };
    let key = EffectKey::new("k-1");
    let text = "It is on its way.\n".to_owned();
    let letter = Letter::new(
        &key,
        "ada@example.org",
        "Hello",
        text,
        Timestamp::UNIX_EPOCH,
    );
    config.port().unwrap().send(letter.unwrap()).await
}

#[tokio::test]
async fn a_server_gets_the_mail_with_its_message_id() {
    let server = Server::answering("250 well").await;
    server.send().await.unwrap();
    server.send().await.unwrap();
    let mails = server.mails.lock().unwrap().clone();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
    assert!(
        mails[0].contains("Message-ID: <k-1@notifications.quadrille>"),
        "{}",
        mails[0]
    );
    assert!(mails[0].contains("It is on its way."), "{}", mails[0]);
}

#[tokio::test]
async fn what_a_server_says_is_an_outage_or_an_end_and_never_repeated() {
    for (answer, remedy, code) in [
        (
            "550 <ada@example.org>: unknown",
            Remedy::Park,
            "mail_refused",
        ),
        (
            "535 ada@example.org not let in",
            Remedy::Wait,
            "mail_not_let_in",
        ),
        ("451 <ada@example.org>: later", Remedy::Wait, "mail_down"),
    ] {
        let failure = Server::answering(answer).await.send().await.unwrap_err();
        assert_eq!(
            (failure.remedy(), failure.code()),
            (remedy, code),
            "{answer}"
        );
        assert!(!failure.chain().contains("ada"), "{}", failure.chain());
        assert!(
            failure.chain().contains(&answer[..3]),
            "{}",
            failure.chain()
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap().to_string();
    drop(gone);
    let failure = send(&address).await.unwrap_err();
    assert_eq!(
        (failure.remedy(), failure.code()),
        (Remedy::Wait, "mail_unreachable")
    );
}
