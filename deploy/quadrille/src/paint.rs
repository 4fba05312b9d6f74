//! Colours, only where somebody can see them.

use std::borrow::Cow;
use std::io::IsTerminal as _;

/// Whether to colour. `NO_COLOR` is respected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

/// The colours in use. Never the only sign of anything.
#[derive(Debug, Clone, Copy)]
pub enum Colour {
    /// Something is wrong.
    Red,
    /// Something is well.
    Green,
    /// Something is to be looked at.
    Yellow,
    /// Something is under way.
    Blue,
    /// Anything else.
    Cyan,
}

impl Paint {
    /// Never colours.
    pub const PLAIN: Self = Self(false);

    /// Colours where standard output is a terminal and nobody minds.
    pub fn for_stdout() -> Self {
        Self(nobody_minds() && std::io::stdout().is_terminal())
    }

    /// Colours where standard error is a terminal and nobody minds.
    pub fn for_stderr() -> Self {
        Self(nobody_minds() && std::io::stderr().is_terminal())
    }

    /// Whether it colours.
    pub fn is_on(self) -> bool {
        self.0
    }

    /// The text in a colour.
    pub fn colour(self, colour: Colour, text: &str) -> String {
        self.wrap(
            match colour {
                Colour::Red => "31",
                Colour::Green => "32",
                Colour::Yellow => "33",
                Colour::Blue => "34",
                Colour::Cyan => "36",
            },
            text,
        )
    }

    /// The text in bold.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// The text dimmed.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// What is painted is legible: nothing from outside reaches a terminal as it came.
    fn wrap(self, code: &str, text: &str) -> String {
        let text = legible(text);
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.into_owned()
        }
    }
}

/// The text with its control characters written out: they would steer the terminal.
pub fn legible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let shown = text.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    shown.collect::<String>().into()
}

/// Whether nobody has asked to be spared (<https://no-color.org>).
fn nobody_minds() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        // Shows an escape sequence and a null as what they are; letters of any language stay.
        assert_eq!(legible("\u{1b}[31mred\0"), "\\u{1b}[31mred\\u{0}");
        assert_eq!(legible("Ødegård 4711"), "Ødegård 4711");
        let painted = Paint(true).bold("a\u{1b}b");
        assert_eq!(painted, "\u{1b}[1ma\\u{1b}b\u{1b}[0m");
    }
}
