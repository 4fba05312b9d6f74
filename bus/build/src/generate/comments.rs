//! Makes rustdoc of the comments in `.proto` files without making tests of them.
//!
//! Rustdoc takes an indented or fenced block for Rust and runs it. A `.proto` comment never is, so
//! every block becomes a fence that says `text`.

use prost_types::FileDescriptorProto;

/// The file with comments that rustdoc only shows.
pub(super) fn plain(mut file: FileDescriptorProto) -> FileDescriptorProto {
    for location in file
        .source_code_info
        .iter_mut()
        .flat_map(|info| &mut info.location)
    {
        // Detached comments belong to nothing that is generated.
        location.leading_detached_comments.clear();
        for comment in [
            &mut location.leading_comments,
            &mut location.trailing_comments,
        ] {
            *comment = comment.as_deref().map(text_blocks);
        }
    }
    file
}

/// The same comment with its code blocks fenced as text.
fn text_blocks(comment: &str) -> String {
    let mut out = Vec::new();
    let mut fence: Option<String> = None;
    let mut indented = false;
    let mut after_blank = true;
    for line in comment.lines() {
        let text = line.trim_start();
        // One space stands between the slashes and the text.
        let indent = line.len() - text.len();
        if let Some(open) = &fence {
            out.push(line.to_owned());
            if text.starts_with(open.as_str())
                && text.trim_end().trim_matches(['`', '~']).is_empty()
            {
                fence = None;
            }
            continue;
        }
        let blocked = !text.is_empty() && (indent > 4 || line.starts_with('\t'));
        if indented && !blocked && !text.is_empty() {
            out.push(" ```".to_owned());
            indented = false;
        } else if !indented && blocked && after_blank {
            out.push(" ```text".to_owned());
            indented = true;
        }
        if !indented && let Some(open) = fence_of(text) {
            out.push(format!("{}{open}text", &line[..indent]));
            fence = Some(open);
        } else {
            out.push(line.to_owned());
        }
        after_blank = text.is_empty();
    }
    if indented {
        out.push(" ```".to_owned());
    }
    if let Some(open) = fence {
        out.push(format!(" {open}"));
    }
    out.join("\n")
}

/// The fence that a line opens, if it opens one.
fn fence_of(text: &str) -> Option<String> {
    let mark = text
        .chars()
        .next()
        .filter(|first| ['`', '~'].contains(first))?;
    let length = text.chars().take_while(|next| *next == mark).count();
    (length >= 3).then(|| mark.to_string().repeat(length))
}

#[cfg(test)]
mod tests {
    use super::text_blocks;

    #[test]
    fn fences_say_text() {
        // Whatever a fence said before, and however it is drawn.
        assert_eq!(
            text_blocks(" ```\n code\n ```\n after"),
            " ```text\n code\n ```\n after"
        );
        assert_eq!(
            text_blocks(" ```rust\n code\n ```"),
            " ```text\n code\n ```"
        );
        assert_eq!(
            text_blocks(" ~~~~rust\n ~~~\n ~~~~"),
            " ~~~~text\n ~~~\n ~~~~"
        );
    }

    #[test]
    fn an_open_fence_is_closed() {
        // Else what follows in the same item would be swallowed.
        assert_eq!(text_blocks(" ```rust\n code"), " ```text\n code\n ```");
    }

    #[test]
    fn an_indented_block_is_fenced() {
        // After a blank line, or at the start; blank lines inside belong to it.
        assert_eq!(
            text_blocks(" Such as\n\n     code\n\n     more\n after"),
            " Such as\n\n ```text\n     code\n\n     more\n ```\n after"
        );
        assert_eq!(text_blocks("     code"), " ```text\n     code\n ```");
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        // A list's second line is indented, and a line within a paragraph is no block.
        let plain = " - one\n   goes on\n\n text\n         indented\n `code` and ``more``";
        assert_eq!(text_blocks(plain), plain);
    }
}
