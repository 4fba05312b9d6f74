//! Finds a place inside the value of an option, which a descriptor locates only as a whole.
//!
//! An option's value is protobuf text, such as `{ topic: [{ name: "a" }, { name: "b" }] }`. It has
//! been parsed by then, so that nothing here complains: what is not found has no place.

/// A step into a value: the field's name, and which of its values is meant, from 0.
pub(crate) type Step = (String, usize);

/// Offset of the field, or of its nth value, to which the steps lead from the value's outermost
/// braces. Where a step is not there, that of the last one that is.
pub(crate) fn find(text: &str, steps: &[Step]) -> Option<usize> {
    let tokens = tokens(text);
    let start = tokens
        .iter()
        .position(|(_, token)| matches!(token, Token::Open(_)))?;
    let (mut from, mut found) = (start, None);
    for (name, nth) in steps {
        let Some((offset, value)) = field(&tokens, from, name, *nth) else {
            break;
        };
        found = Some(offset);
        from = value;
    }
    found
}

/// Offset of the first word that is this one.
pub(crate) fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_it = |token: &Token<'_>| matches!(token, Token::Word(found) if *found == word);
    tokens(text)
        .iter()
        .find(|(_, token)| is_it(token))
        .map(|(offset, _)| *offset)
}

/// Offset of a line and a column, both from 0, the column in bytes.
pub(crate) fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    text.floor_char_boundary(before + column)
}

/// Line and column, both from 1, of an offset, the column in characters.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text,
    Open(char),
    Close,
    Sign(char),
}

/// Offset of the nth value of a field in the braces that open at `from`, and the index of the
/// token with which the value begins.
fn field(
    tokens: &[(usize, Token<'_>)],
    from: usize,
    name: &str,
    nth: usize,
) -> Option<(usize, usize)> {
    let (mut depth, mut seen, mut at) = (0_usize, 0, from);
    while let Some((offset, token)) = tokens.get(at) {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close if depth == 1 => return None,
            Token::Close => depth -= 1,
            Token::Word(word) if depth == 1 && *word == name => {
                let mut value = at + 1;
                if matches!(tokens.get(value), Some((_, Token::Sign(':')))) {
                    value += 1;
                }
                let elements = elements(tokens, value);
                if let Some(element) = elements.get(nth - seen) {
                    // One of a list is where it stands, a single value where its name does.
                    let single = elements.len() == 1;
                    let place = if single { *offset } else { tokens[*element].0 };
                    return Some((place, *element));
                }
                seen += elements.len();
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Indices of the tokens with which the elements of a value begin: itself, where it is no list.
fn elements(tokens: &[(usize, Token<'_>)], value: usize) -> Vec<usize> {
    if !matches!(tokens.get(value), Some((_, Token::Open('[')))) {
        return vec![value];
    }
    let (mut depth, mut elements) = (0_usize, Vec::new());
    for (at, (_, token)) in tokens.iter().enumerate().skip(value) {
        let begins = depth == 1 && !matches!(tokens[at - 1].1, Token::Text | Token::Close);
        match token {
            Token::Close if depth == 1 => break,
            Token::Close => depth -= 1,
            Token::Sign(_) => {}
            _ if begins => elements.push(at),
            _ => {}
        }
        if matches!(token, Token::Open(_)) {
            depth += 1;
        }
    }
    elements
}

fn tokens(text: &str) -> Vec<(usize, Token<'_>)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match next {
            '"' | '\'' => quoted(rest, next),
            '#' => line(rest),
            '/' if rest.starts_with("//") => line(rest),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ if is_word(next) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => next.len_utf8(),
        };
        let token = match next {
            '"' | '\'' => Some(Token::Text),
            '{' | '[' | '<' => Some(Token::Open(next)),
            '}' | ']' | '>' => Some(Token::Close),
            '#' | '/' => None,
            _ if is_word(next) => Some(Token::Word(&rest[..length])),
            _ if next.is_whitespace() => None,
            sign => Some(Token::Sign(sign)),
        };
        tokens.extend(token.map(|token| (at, token)));
        at += length;
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// Length of a quoted text, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, next) in text.char_indices().skip(1) {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if next == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTION: &str = r#"option (quadrille.v1.file) = {
  // topic: [{ name: "comment" }]
  topic: [
    { name: "a" owner: "}{" },
    { name: "topic" partitions: 7 }
  ]
  topic { name: "c" }
  deadline: < unless_any: ["x" "y", "z"] after: "1d" >
};"#;

    fn at(steps: &[(&str, usize)]) -> Option<(usize, usize)> {
        let steps: Vec<Step> = steps
            .iter()
            .map(|(name, nth)| ((*name).to_owned(), *nth))
            .collect();
        find(OPTION, &steps).map(|offset| position(OPTION, offset))
    }

    #[test]
    fn a_field_is_found_where_its_name_stands() {
        // Comments, quoted braces and equal words elsewhere do not lead astray.
        assert_eq!(at(&[("topic", 0), ("owner", 0)]), Some((4, 17)));
        assert_eq!(at(&[("topic", 1), ("partitions", 0)]), Some((5, 21)));
        assert_eq!(at(&[("topic", 2), ("name", 0)]), Some((7, 11)));
        assert_eq!(at(&[("deadline", 0), ("after", 0)]), Some((8, 42)));
    }

    #[test]
    fn an_element_of_a_list_is_found_where_it_stands() {
        // Repeated fields may be a list, or be said again, or both; texts side by side are one.
        assert_eq!(at(&[("topic", 0)]), Some((4, 5)));
        assert_eq!(at(&[("topic", 1)]), Some((5, 5)));
        assert_eq!(at(&[("topic", 2)]), Some((7, 3)));
        assert_eq!(at(&[("deadline", 0), ("unless_any", 1)]), Some((8, 37)));
    }

    #[test]
    fn columns_count_characters() {
        // A letter of several bytes is one column, and an offset inside it is at its start.
        let text = "a\nbé {";
        assert_eq!(offset(text, 1, 3), 5);
        assert_eq!(position(text, 5), (2, 3));
        assert_eq!(position(text, 4), (2, 2));
        assert_eq!(offset(text, 9, 9), text.len());
    }

    #[test]
    fn what_is_missing_is_found_at_what_would_hold_it() {
        // A field that should be there has the place of the message that lacks it.
        assert_eq!(at(&[("topic", 1), ("owner", 0)]), Some((5, 5)));
        assert_eq!(at(&[("event", 0)]), None);
        assert_eq!(find("no braces", &[("a".to_owned(), 0)]), None);
    }
}
