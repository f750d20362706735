//! No circle of files within a crate: imports run one way.
//!
//! An edge is a path `crate::…` or `super::…` that names another file's module. Declaring a child
//! with `mod` is no edge, nor is `lib.rs`, which only re-exports; test modules are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Circles of files, each named once.
pub fn check(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let mut crates: BTreeMap<PathBuf, BTreeMap<String, String>> = BTreeMap::new();
    for source in sources {
        let Some((base, module)) = module_of(source) else {
            continue;
        };
        let text = std::fs::read_to_string(root.join(source))?;
        crates.entry(base).or_default().insert(module, text);
    }
    let mut findings = Vec::new();
    for (base, modules) in &crates {
        let graph = graph(modules);
        for circle in circles(&graph) {
            let base = base.display();
            findings.push(format!(
                "{base}: a circle of files: {}; move what both need into a third",
                circle.join(" -> ")
            ));
        }
    }
    Ok(findings)
}

/// `crates/x/src/a/b.rs` is module `a::b` of `crates/x`; crate roots and tests are none.
fn module_of(source: &Path) -> Option<(PathBuf, String)> {
    let parts: Vec<&str> = source.iter().filter_map(|p| p.to_str()).collect();
    let src = parts.iter().position(|p| *p == "src")?;
    let base: PathBuf = parts[..src].iter().collect();
    let module = parts[src + 1..].join("::");
    let module = module.strip_suffix(".rs")?;
    let is_test = module
        .split("::")
        .any(|p| p == "tests" || p.ends_with("_tests"));
    (module != "lib" && module != "main" && !is_test).then(|| (base, module.to_owned()))
}

fn graph(modules: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, text) in modules {
        let edges = graph.entry(module).or_default();
        for path in paths(module, text) {
            if let Some(target) = longest_module(modules, &path)
                && target != module
            {
                edges.insert(target);
            }
        }
    }
    graph
}

/// Absolute module paths that the code of `module` names.
fn paths(module: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let code = line.trim_start();
        if code.starts_with("#[cfg(test)]") {
            break;
        }
        if code.starts_with("//") {
            continue;
        }
        for (at, _) in code.match_indices("crate::") {
            found.push(path_at(&code[at + "crate::".len()..]));
        }
        for (at, _) in code.match_indices("super::") {
            if code[..at].ends_with("super::") {
                continue;
            }
            if let Some((parent, _)) = module.rsplit_once("::") {
                let rest = path_at(&code[at + "super::".len()..]);
                found.push(format!("{parent}::{rest}"));
            }
        }
    }
    found
}

fn path_at(text: &str) -> String {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    text[..end.unwrap_or(text.len())]
        .trim_end_matches(':')
        .to_owned()
}

fn longest_module<'a>(modules: &'a BTreeMap<String, String>, path: &str) -> Option<&'a str> {
    let mut path = path;
    loop {
        if let Some((module, _)) = modules.get_key_value(path) {
            return Some(module);
        }
        path = path.rsplit_once("::")?.0;
    }
}

/// Depth-first search; every back edge closes one circle.
fn circles(graph: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<Vec<String>> {
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for start in graph.keys() {
        visit(graph, start, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn visit<'a>(
    graph: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    node: &'a str,
    trail: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    found: &mut Vec<Vec<String>>,
) {
    if let Some(at) = trail.iter().position(|n| *n == node) {
        let mut circle: Vec<String> = trail[at..].iter().map(|n| (*n).to_owned()).collect();
        circle.push(node.to_owned());
        found.push(circle);
        return;
    }
    if done.contains(node) {
        return;
    }
    trail.push(node);
    for next in graph.get(node).into_iter().flatten() {
        visit(graph, next, trail, done, found);
    }
    trail.pop();
    done.insert(node);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files
            .iter()
            .map(|(m, t)| ((*m).to_owned(), (*t).to_owned()))
            .collect()
    }

    #[test]
    fn finds_a_circle_through_a_child() {
        let modules = crate_of(&[
            ("a", "use crate::b::B;"),
            ("b", "mod c;\nuse c::C;\nuse crate::b::c::D;"),
            ("b::c", "fn f() { crate::a::g() }"),
        ]);
        let found = circles(&graph(&modules));
        assert_eq!(found, [["a", "b", "b::c", "a"]]);
    }

    #[test]
    fn one_way_is_no_circle_and_tests_do_not_count() {
        let modules = crate_of(&[
            ("a", "use crate::b::B;"),
            (
                "b",
                "struct B;\n#[cfg(test)]\nmod tests { use crate::a::A; }",
            ),
        ]);
        assert!(circles(&graph(&modules)).is_empty());
    }
}
