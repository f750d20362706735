//! `?q=&sort=&page=`: filter, order and page of a table. All of it is in the address.

use schemars::JsonSchema;
use serde::Serialize;

use crate::links::encoded;

/// Rows on a page.
pub(crate) const ROWS_MAX: usize = 100;
/// Bytes of a filter that are looked at.
const FILTER_BYTES_MAX: usize = 300;

/// The parameters of an address, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Takes a query apart. What is not UTF-8 is replaced, later pairs of a name are ignored.
    pub(crate) fn parse(raw: Option<&str>) -> Self {
        let pairs = raw.unwrap_or_default().split('&').filter(|p| !p.is_empty());
        let decode = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        Self {
            pairs: pairs.map(decode).collect(),
        }
    }

    /// Everything, in its order.
    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|v| !v.is_empty())
    }

    /// The query again, without some parameters.
    pub(crate) fn without(&self, names: &[&str]) -> String {
        let kept = self
            .pairs
            .iter()
            .filter(|(n, _)| !names.contains(&n.as_str()));
        let kept = kept.map(|(n, v)| format!("{}={}", encoded(n), encoded(v)));
        kept.collect::<Vec<_>>().join("&")
    }

    /// An address whose query is this one with some parameters replaced; empty values leave.
    pub(crate) fn with(&self, changes: &[(&str, &str)]) -> String {
        let names: Vec<&str> = changes.iter().map(|(n, _)| *n).collect();
        let mut parts = vec![self.without(&names)];
        for (name, value) in changes.iter().filter(|(_, v)| !v.is_empty()) {
            parts.push(format!("{}={}", encoded(name), encoded(value)));
        }
        parts.retain(|p| !p.is_empty());
        format!("?{}", parts.join("&"))
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let hex = |digit: u8| char::from(digit).to_digit(16);
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let value = hex(*high).unwrap_or(0) * 16 + hex(*low).unwrap_or(0);
                bytes.push(value as u8);
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A column that a table can be sorted by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// In `?sort=`.
    pub(crate) name: &'static str,
    /// In the head.
    pub(crate) title: &'static str,
    /// Numbers begin with the largest, names with A.
    pub(crate) largest_first: bool,
    /// Written from the left.
    pub(crate) text: bool,
}

impl Column {
    /// Numbers.
    pub(crate) const fn number(name: &'static str, title: &'static str) -> Self {
        Self {
            name,
            title,
            largest_first: true,
            text: false,
        }
    }

    /// Names.
    pub(crate) const fn text(name: &'static str, title: &'static str) -> Self {
        Self {
            name,
            title,
            largest_first: false,
            text: true,
        }
    }
}

/// Which rows of a table are shown, in what order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Text that names must contain, in small letters.
    pub(crate) filter: String,
    /// Name of the column.
    pub(crate) sort: &'static str,
    /// Largest first.
    pub(crate) descending: bool,
    /// From 1.
    pub(crate) page: usize,
}

impl Listing {
    /// `sort` may name one of `columns`; the first is the default. `-name` turns the order around.
    pub(crate) fn new(query: &Query, columns: &[Column]) -> Self {
        let asked = query.filled("sort").unwrap_or_default();
        let (turned, asked) = match asked.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, asked),
        };
        let known = columns.iter().find(|c| c.name == asked);
        let sorted = known.or(columns.first());
        let (sort, largest_first) = sorted.map_or(("", false), |c| (c.name, c.largest_first));
        let filter = query.filled("q").unwrap_or_default();
        let filter = filter.chars().take(FILTER_BYTES_MAX).collect::<String>();
        let page = query.filled("page").and_then(|p| p.parse().ok());
        Self {
            filter: filter.to_lowercase(),
            sort,
            descending: largest_first != (turned && known.is_some()),
            page: page.unwrap_or(1).max(1),
        }
    }

    /// Whether a name passes the filter.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.filter.is_empty() || name.to_lowercase().contains(&self.filter)
    }

    /// Cuts the rows of the page out of all rows that passed. A page beyond the last is the last.
    pub(crate) fn cut<T>(&mut self, mut rows: Vec<T>) -> (Vec<T>, usize) {
        let total = rows.len();
        let pages = total.div_ceil(ROWS_MAX).max(1);
        self.page = self.page.min(pages);
        let start = (self.page - 1) * ROWS_MAX;
        rows.drain(..start);
        rows.truncate(ROWS_MAX);
        (rows, total)
    }
}

/// The head of a column: what a click on it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) title: &'static str,
    pub(crate) href: String,
    /// For `aria-sort`; empty when the table is in another order.
    pub(crate) order: &'static str,
    pub(crate) text: bool,
}

/// The heads of a table whose columns can all be sorted by.
pub(crate) fn heads(query: &Query, listing: &Listing, columns: &[Column]) -> Vec<Head> {
    let head = |column: &Column| {
        let current = column.name == listing.sort;
        let as_begun = current && listing.descending == column.largest_first;
        let sort = if as_begun {
            format!("-{}", column.name)
        } else {
            column.name.to_owned()
        };
        Head {
            title: column.title,
            href: query.with(&[("sort", &sort), ("page", "")]),
            order: match (current, listing.descending) {
                (false, _) => "",
                (true, true) => "descending",
                (true, false) => "ascending",
            },
            text: column.text,
        }
    };
    columns.iter().map(head).collect()
}

/// The way to other pages of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pager {
    pub(crate) page: usize,
    pub(crate) pages: usize,
    pub(crate) total: usize,
    pub(crate) previous: Option<String>,
    pub(crate) next: Option<String>,
}

impl Pager {
    pub(crate) fn new(query: &Query, listing: &Listing, total: usize) -> Self {
        let pages = total.div_ceil(ROWS_MAX).max(1);
        let to = |page: usize| query.with(&[("page", &page.to_string())]);
        Self {
            page: listing.page,
            pages,
            total,
            previous: (listing.page > 1).then(|| to(listing.page - 1)),
            next: (listing.page < pages).then(|| to(listing.page + 1)),
        }
    }
}

/// What a page of a table has besides its rows.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Table {
    /// Rows that pass the filter.
    total: usize,
    page: usize,
    pages: usize,
    #[serde(skip)]
    pub(crate) heads: Vec<Head>,
    #[serde(skip)]
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) filter: String,
    #[serde(skip)]
    pub(crate) sort: String,
    /// Rows without a filter.
    #[serde(skip)]
    pub(crate) all: usize,
    /// What the page was asked with, for its stream.
    #[serde(skip)]
    pub(crate) query: String,
}

impl Table {
    /// Of a listing that was cut: `total` rows pass the filter, of `all`.
    pub(crate) fn new(
        (query, listing): (&Query, &Listing),
        columns: &[Column],
        (total, all): (usize, usize),
    ) -> Self {
        let pager = Pager::new(query, listing, total);
        Self {
            total,
            page: pager.page,
            pages: pager.pages,
            heads: heads(query, listing, columns),
            pager,
            filter: query.get("q").unwrap_or_default().to_owned(),
            sort: query.get("sort").unwrap_or_default().to_owned(),
            all,
            query: query.without(&["format"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::text("name", "topic"),
        Column::number("size", "on disk"),
    ];

    #[test]
    fn a_query_is_taken_apart_and_put_together() {
        let query = Query::parse(Some("q=a+b%2F%C3%B6&sort=size&bad=%zz&&x"));
        assert_eq!(query.get("q"), Some("a b/ö"));
        assert_eq!(query.get("bad"), Some("%zz"));
        assert_eq!(query.get("x"), Some(""));
        assert_eq!(query.filled("x"), None);
        assert_eq!(
            query.with(&[("sort", "-size"), ("bad", ""), ("x", "")]),
            "?q=a%20b%2F%C3%B6&sort=-size"
        );
    }

    #[test]
    fn only_known_columns_are_sorted_by() {
        let listing = |raw| Listing::new(&Query::parse(Some(raw)), COLUMNS);
        let default = listing("");
        assert_eq!(
            (default.sort, default.descending, default.page),
            ("name", false, 1)
        );
        let size = listing("sort=size&page=0");
        assert_eq!((size.sort, size.descending, size.page), ("size", true, 1));
        assert!(!listing("sort=-size").descending);
        let nonsense = listing("sort=-nonsense&page=abc");
        assert_eq!((nonsense.sort, nonsense.descending), ("name", false));
    }

    #[test]
    fn pages_are_cut_and_never_empty() {
        let mut listing = Listing::new(&Query::parse(Some("page=99")), COLUMNS);
        let (rows, total) = listing.cut((0..250).collect());
        assert_eq!(
            (rows.len(), rows[0], total, listing.page),
            (50, 200, 250, 3)
        );
        let pager = Pager::new(&Query::default(), &listing, total);
        assert_eq!(pager.previous.as_deref(), Some("?page=2"));
        assert_eq!(pager.next, None);
        let mut empty = Listing::new(&Query::default(), COLUMNS);
        assert_eq!(empty.cut(Vec::<u8>::new()), (Vec::new(), 0));
    }

    #[test]
    fn heads_turn_the_order_around() {
        let query = Query::parse(Some("q=x&sort=size&page=3"));
        let listing = Listing::new(&query, COLUMNS);
        let heads = heads(&query, &listing, COLUMNS);
        assert_eq!(heads[1].href, "?q=x&sort=-size");
        assert_eq!((heads[1].order, heads[0].order), ("descending", ""));
        assert_eq!(heads[0].href, "?q=x&sort=name");
    }
}
