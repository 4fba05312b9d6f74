//! The configuration in effect, as TOML that can be used as a file.

use std::fmt::Write as _;

use super::draft::Setting;
use super::layout::Known;
use super::loaded::Loaded;
use super::sources::Origin;
use super::value::MASK;

impl Loaded {
    /// Every option with what it is for, its value, and where that comes from. Secrets are masked.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        for table in &self.layout.tables {
            let mut options = self.layout.options.iter().zip(&self.settings);
            let mut inside = options
                .by_ref()
                .filter(|(o, _)| o.table() == table.name)
                .peekable();
            if inside.peek().is_none() {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            push_comment(&mut text, &table.comment);
            let _ = writeln!(text, "[{}]", table.name);
            for (option, setting) in inside {
                push_comment(&mut text, &option.comment);
                push_option(&mut text, option, setting);
            }
        }
        text
    }

    /// Which layers there are and what each of them sets, a line each.
    pub fn layers(&self) -> String {
        let from_file = |setting: &&Setting| matches!(setting.origin, Origin::File { .. });
        let in_effect = self.settings.iter().filter(from_file).count();
        let total = self.settings.len();
        let mut text = format!("  defaults: {total} options\n");
        if let Some(file) = &self.sources.file {
            let name = file.path.display();
            let _ = writeln!(text, "  file {name}: {in_effect} in effect");
        }
        for (name, given) in [
            ("environment", &self.sources.variables),
            ("flags", &self.sources.flags),
        ] {
            let names: Vec<_> = given.iter().map(|given| given.origin.name()).collect();
            if !names.is_empty() {
                let _ = writeln!(text, "  {name}: {}", names.join(", "));
            }
        }
        text
    }
}

fn push_comment(text: &mut String, comment: &[String]) {
    for line in comment {
        let _ = writeln!(text, "# {line}");
    }
}

fn push_option(text: &mut String, option: &Known, setting: &Setting) {
    let is_hidden = option.is_secret() && !setting.value.is_unset();
    let value = if is_hidden {
        format!("\"{MASK}\"")
    } else {
        setting.value.masked().to_toml()
    };
    let mut notes: Vec<String> = option.spec.comment().into_iter().collect();
    if setting.origin != Origin::Default {
        let default = option.shown(&option.default);
        notes.push(format!("from {}, default {default}", setting.origin));
    }
    if is_hidden {
        notes.push("a secret".to_owned());
    }
    let _ = write!(text, "{} = {value}", option.name());
    if !notes.is_empty() {
        let _ = write!(text, " # {}", notes.join("; "));
    }
    text.push('\n');
}
