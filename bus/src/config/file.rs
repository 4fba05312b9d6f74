//! Reads a configuration file into a draft, noting every mistake with line and column.

use std::fs::File;
use std::io::Read as _;

use toml::de::{DeTable, DeValue};

use super::draft::Draft;
use super::error::Error;
use super::layout::join;
use super::sources::{FileName, Origin};
use super::text::Text;
use super::value::Value;

/// Largest configuration file. Anything larger is the wrong file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Puts what the file says into the draft.
pub(super) fn read(draft: &mut Draft, file: &FileName) {
    let name = file.path.display().to_string();
    match contents(file) {
        Ok(text) => read_text(draft, &name, &text),
        Err(why) => {
            let by = file.named_by.unwrap_or("--config");
            draft.errors.push(
                Error::new(format!("the configuration file `{name}` {why}"))
                    .mend(format!("{by} must name a TOML file")),
            );
        }
    }
}

fn contents(file: &FileName) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(&file.path)
        .and_then(|open| open.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("has more than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

fn read_text(draft: &mut Draft, name: &str, contents: &str) {
    let text = Text::new(contents);
    let (root, mut wrong) = DeTable::parse_recoverable(contents);
    wrong.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let reader = Reader { name, text };
    if wrong.is_empty() {
        reader.table(draft, root.get_ref(), "");
    }
    for error in wrong {
        let offset = error.span().map_or(0, |span| span.start);
        draft.errors.push(
            Error::new(format!("not TOML: {}", error.message()))
                .at(reader.origin(offset))
                .excerpt(reader.text.excerpt(offset)),
        );
    }
}

/// One file while it is read.
struct Reader<'a> {
    name: &'a str,
    text: Text<'a>,
}

impl Reader<'_> {
    fn origin(&self, offset: usize) -> Origin {
        let (line, column) = self.text.place(offset);
        Origin::File {
            name: self.name.to_owned(),
            line,
            column,
        }
    }

    fn table(&self, draft: &mut Draft, table: &DeTable<'_>, above: &str) {
        for (key, value) in table {
            let path = join(above, key.get_ref());
            let at_key = self.origin(key.span().start);
            if let Some(option) = draft.layout.find(&path) {
                let given = Value::from_toml(value.get_ref());
                draft.put(option, given, at_key, &self.origin(value.span().start));
                continue;
            }
            match (draft.layout.is_table(&path), value.get_ref()) {
                (true, DeValue::Table(inner)) => self.table(draft, inner, &path),
                (true, _) => draft.errors.push(
                    Error::new(format!("`{path}` is a table of options, not an option"))
                        .at(at_key)
                        .mend(format!("write its options below a line `[{path}]`")),
                ),
                (false, DeValue::Table(_)) => draft.unknown_table(&path, &at_key),
                (false, _) => draft.unknown_option(&path, &at_key),
            }
        }
    }
}
