//! Kafka's names → Rust's.

/// Words that need `r#` in front as a field.
const KEYWORDS: &[&str] = &["type", "match", "ref", "move", "use", "in", "where", "loop"];

/// `ThrottleTimeMs` → `throttle_time_ms`; `KRaft` counts as one word.
pub fn snake(name: &str) -> String {
    let letters: Vec<char> = name
        .replace("KRaft", "Kraft")
        .replace("kRaft", "kraft")
        .chars()
        .collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if starts_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// [`snake`], safe as the name of a field.
pub fn field(name: &str) -> String {
    let snake = snake(name);
    if KEYWORDS.contains(&snake.as_str()) {
        format!("r#{snake}")
    } else {
        snake
    }
}

/// First letter in upper case.
pub fn upper(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
