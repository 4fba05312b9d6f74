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
