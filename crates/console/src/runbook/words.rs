//! The little of Markdown that the runbook is written in: paragraphs, lists, code and links.

/// A part of a section.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    Paragraph(Vec<Span>),
    /// `- `
    Bullets(Vec<Vec<Span>>),
    /// `1. `
    Steps(Vec<Vec<Span>>),
}

/// A part of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Span {
    Text(String),
    Code(String),
    /// Text, and the anchor within the book.
    Link(String, String),
}

/// What begins an item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Bullet,
    Step,
}

/// A section taken apart.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for part in text.split("\n\n").map(str::trim_end) {
        let mut items: Vec<(Kind, String)> = Vec::new();
        for line in part.lines().filter(|line| !line.trim().is_empty()) {
            let (kind, words) = begin(line);
            match items.last_mut() {
                Some((_, open)) if kind == Kind::Plain => {
                    open.push(' ');
                    open.push_str(words);
                }
                _ => items.push((kind, words.to_owned())),
            }
        }
        // A list may follow its paragraph without an empty line.
        for run in items.chunk_by(|(a, _), (b, _)| a == b) {
            let all = run.iter().map(|(_, words)| spans(words));
            match run[0].0 {
                Kind::Plain => blocks.extend(all.map(Block::Paragraph)),
                Kind::Bullet => blocks.push(Block::Bullets(all.collect())),
                Kind::Step => blocks.push(Block::Steps(all.collect())),
            }
        }
    }
    blocks
}

fn begin(line: &str) -> (Kind, &str) {
    if let Some(words) = line.strip_prefix("- ") {
        return (Kind::Bullet, words);
    }
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    match digits.strip_prefix(". ") {
        Some(words) if digits.len() < line.len() => (Kind::Step, words),
        _ => (Kind::Plain, line.trim_start()),
    }
}

fn spans(mut words: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut text = String::new();
    while let Some(c) = words.chars().next() {
        if let Some((span, rest)) = marked(words) {
            if !text.is_empty() {
                spans.push(Span::Text(std::mem::take(&mut text)));
            }
            spans.push(span);
            words = rest;
            continue;
        }
        text.push(c);
        words = &words[c.len_utf8()..];
    }
    if !text.is_empty() {
        spans.push(Span::Text(text));
    }
    spans
}

/// Code or a link at the beginning.
fn marked(words: &str) -> Option<(Span, &str)> {
    if let Some((code, rest)) = words.strip_prefix('`').and_then(|w| w.split_once('`')) {
        return Some((Span::Code(code.to_owned()), rest));
    }
    let (text, after) = words.strip_prefix('[')?.split_once("](#")?;
    let (anchor, rest) = after.split_once(')')?;
    let span = Span::Link(text.to_owned(), anchor.to_owned());
    Some((span, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: &str) -> Span {
        Span::Text(of.to_owned())
    }

    #[test]
    fn paragraphs_and_lists_go_over_lines() {
        let found =
            blocks("one\ntwo:\n- a\n  b\n- c\n\n1. first\n   more\n2. second\n\n2.5 is a number\n");
        let expected = [
            Block::Paragraph(vec![text("one two:")]),
            Block::Bullets(vec![vec![text("a b")], vec![text("c")]]),
            Block::Steps(vec![vec![text("first more")], vec![text("second")]]),
            Block::Paragraph(vec![text("2.5 is a number")]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn code_and_links_stand_in_lines() {
        let link = Span::Link("X".to_owned(), "x".to_owned());
        let code = Span::Code("a [b]".to_owned());
        let expected = vec![text("see "), link, text(", "), code, text(" and [ or `")];
        assert_eq!(spans("see [X](#x), `a [b]` and [ or `"), expected);
    }
}
