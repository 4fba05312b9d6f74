//! Colours, only where somebody can see them.

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

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Whether nobody has asked to be spared (<https://no-color.org>).
fn nobody_minds() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
