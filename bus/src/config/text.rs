//! A TOML text with its places: lines, columns and comments.

use super::value;

/// A TOML text.
#[derive(Debug)]
pub(super) struct Text<'a> {
    text: &'a str,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Line and column of a byte offset, both counted from 1, the column in characters.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.before(offset);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The line with the offset, with its number before and a mark below, to be shown in an error.
    /// What stands behind the name of a secret is masked.
    pub(super) fn excerpt(&self, offset: usize) -> String {
        let (number, column) = self.place(offset);
        let line = self.text.lines().nth(number - 1).unwrap_or("");
        let gutter = " ".repeat(number.to_string().len());
        let before = self.text.lines().take(number - 1);
        if before
            .filter(|line| QUOTES.iter().any(|q| line.contains(q)))
            .any(|l| secret(l).is_some())
        {
            // The secret may go on over this line.
            return format!("  {number} | {}", value::MASK);
        }
        if let Some(end) = secret(line) {
            return format!("  {number} | {} {}", &line[..end], value::MASK);
        }
        let masked = value::mask_urls(line);
        if masked != line {
            return format!("  {number} | {masked}");
        }
        // A tab stays a tab, so that the mark stands below its character.
        let indent: String = line
            .chars()
            .take(column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        format!("  {number} | {line}\n  {gutter} | {indent}^")
    }

    /// The comment lines directly above the line with the offset, without their `#`.
    pub(super) fn comment_above(&self, offset: usize) -> Vec<String> {
        let before = self.before(offset);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let mut lines: Vec<String> = before[..line_start]
            .lines()
            .rev()
            .map_while(|line| line.trim_start().strip_prefix('#'))
            .map(|comment| comment.trim().to_owned())
            .collect();
        lines.reverse();
        lines
    }

    /// The comment on the same line behind a value that ends at the offset, without its `#`.
    pub(super) fn comment_behind(&self, end: usize) -> Option<&'a str> {
        let rest = self.text.get(end..)?.lines().next()?;
        rest.trim_start().strip_prefix('#').map(str::trim)
    }

    fn before(&self, offset: usize) -> &'a str {
        // An error at the very end may point behind it.
        self.text.get(..offset).unwrap_or(self.text)
    }
}

/// Begin a text of many lines.
const QUOTES: [&str; 2] = ["\"\"\"", "'''"];

/// Where in a line the `=` behind a secret's name ends.
fn secret(line: &str) -> Option<usize> {
    let sign = line.match_indices('=').find(|(at, _)| {
        let name = line[..*at].trim_end().trim_end_matches(['"', '\'']);
        value::is_secret_name(name)
    });
    sign.map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = Text::new("a = 1\nß = 'x'\n");
        assert_eq!(text.place(0), (1, 1));
        assert_eq!(text.place(6), (2, 1));
        assert_eq!(text.place(8), (2, 2), "ß has two bytes and one column");
        assert_eq!(text.place(99), (3, 1));
    }

    #[test]
    fn comments_belong_to_the_line_that_they_touch() {
        let text = Text::new("# far\n\n# one\n#  two\nname = 'a#b' # behind\nother = 1\n");
        let name = text.text.find("name").unwrap();
        let end = text.text.find(" # behind").unwrap();
        assert_eq!(text.comment_above(name), ["one", "two"]);
        assert_eq!(text.comment_behind(end), Some("behind"));
        let other = text.text.find("other").unwrap();
        assert!(text.comment_above(other).is_empty());
        assert_eq!(text.comment_behind(other + "other = 1".len()), None);
    }

    #[test]
    fn an_excerpt_marks_the_character_and_hides_secrets() {
        let text = Text::new("\ta = ?\nsasl_password = 'hunter2\nurl = pg://me:hunter2@db\n");
        assert_eq!(text.excerpt(5), "  1 | \ta = ?\n    | \t    ^");
        assert_eq!(text.excerpt(8), "  2 | sasl_password = ***");
        let url = text.text.find("url").unwrap();
        assert_eq!(text.excerpt(url), "  3 | url = pg://me:***@db");

        let text = Text::new("a = { \"b.token\" = 'hunter2', c = ? }\n");
        assert_eq!(text.excerpt(30), "  1 | a = { \"b.token\" = ***");
        let text = Text::new("token = \"\"\"\nhunter2\n\n");
        assert_eq!(text.excerpt(14), "  2 | ***");
    }
}
