//! Plain text of 80 columns for a shell: `limpid status` and `limpid why`, or `curl …?format=text`.

use std::fmt::Write as _;

/// Columns of a line.
const COLUMNS: usize = 80;
const UNKNOWN: &str = "-";
/// What is not torn from its number.
const UNITS: &[&str] = &[
    "ms", "s", "min", "h", "d", "B", "KiB", "MiB", "GiB", "TiB", "%", "records", "record",
];

/// Lines of text.
#[derive(Default)]
pub(crate) struct Text {
    lines: String,
}

impl Text {
    /// A line, cut at the last column.
    pub(crate) fn line(&mut self, text: &str) {
        let text = text.trim_end();
        if text.chars().count() > COLUMNS {
            self.lines.extend(text.chars().take(COLUMNS - 1));
            self.lines.push('…');
        } else {
            self.lines.push_str(text);
        }
        self.lines.push('\n');
    }

    /// A sentence in as many lines as it takes; `first` stands before the first, the others are
    /// set in by as much.
    pub(crate) fn sentence(&mut self, first: &str, text: &str) {
        let indent = " ".repeat(first.chars().count());
        let mut line = first.to_owned();
        let mut empty = true;
        for word in glued(text) {
            let long = line.chars().count() + 1 + word.chars().count() > COLUMNS;
            if long && !empty {
                self.line(&line);
                line.clone_from(&indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(&word);
            empty = false;
        }
        self.line(&line);
    }

    /// Rows under a head: the first column to the left, the others to the right.
    pub(crate) fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.first().map_or(0, Vec::len);
        let widths: Vec<usize> = (0..columns)
            .map(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0))
            .collect();
        let rest: usize = widths.iter().skip(1).map(|w| w + 2).sum();
        let first = widths.first().copied().unwrap_or(0);
        let first = first.min(COLUMNS.saturating_sub(rest + 2));
        for row in rows {
            let mut line = "  ".to_owned();
            for (c, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Writing to a String can't fail.
                let _written = if c == 0 {
                    write!(line, "{:<first$}", cut(cell, first))
                } else {
                    write!(line, "  {cell:>width$}")
                }
                .is_ok();
            }
            self.line(&line);
        }
    }

    /// An empty line and a head.
    pub(crate) fn head(&mut self, text: &str) {
        self.lines.push('\n');
        self.line(text);
    }

    /// What was written.
    pub(crate) fn done(self) -> String {
        // Names come from clients, and a terminal obeys control characters.
        let shown = |c: char| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        };
        self.lines.chars().map(shown).collect()
    }
}

/// The words of a sentence; a number and its unit are one.
fn glued(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let bare = word.trim_end_matches(['.', ',', ';']);
        let after_number = words.last().is_some_and(|w| {
            let last = w.chars().next_back();
            last.is_some_and(|c| c.is_ascii_digit())
        });
        match words
            .last_mut()
            .filter(|_| after_number && UNITS.contains(&bare))
        {
            Some(number) => {
                number.push(' ');
                number.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// A text of at most so many characters.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}

/// A number that may not be known.
pub(crate) fn maybe<T>(value: Option<T>, write: impl Fn(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), write)
}

/// With a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_than_a_terminal_and_nothing_commands_it() {
        let mut text = Text::default();
        text.line(&"x".repeat(200));
        text.sentence("  * ", &"word ".repeat(40));
        text.sentence("", &"y".repeat(100));
        text.table(&[
            vec!["z".repeat(100), "1".to_owned()],
            vec!["\u{1b}[31mred".to_owned(), "12 345".to_owned()],
        ]);
        let text = text.done();
        for line in text.lines() {
            assert!(line.chars().count() <= COLUMNS, "{line}");
        }
        assert!(!text.contains('\u{1b}'));
        assert!(text.contains("\n    word word"), "{text}");
    }
}
