//! Log lines that look like log lines.

/// Orders and customers that there are.
const KEYS: u64 = 5_000;

/// A cheap stream of numbers (SplitMix64); the same seed gives the same stream.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.below(of.len() as u64) as usize]
    }

    /// A key and a JSON log line of a service.
    pub(crate) fn line(&mut self, service: &str, now_ms: u64) -> (String, String) {
        let key = match service {
            "search" => format!("session-{}", self.below(KEYS)),
            "payments" => format!("customer-{}", self.below(KEYS)),
            _ => format!("order-{}", self.below(KEYS)),
        };
        let level = match self.below(100) {
            0..=1 => "error",
            2..=9 => "warn",
            _ => "info",
        };
        let message = match (service, level) {
            ("checkout", "error") => self.pick(&["cart expired", "no stock left", "tax unknown"]),
            ("checkout", _) => self.pick(&["item added", "address checked", "order placed"]),
            ("payments", "error") => self.pick(&["card refused", "bank did not answer"]),
            ("payments", _) => self.pick(&["authorized", "captured", "refunded"]),
            (_, "error") => self.pick(&["shard did not answer", "query too long"]),
            _ => self.pick(&["query answered", "answered from cache", "suggestion taken"]),
        };
        let (duration_ms, trace) = (1 + self.below(250), self.next());
        let host = self.below(3);
        let value = format!(
            "{{\"time_ms\":{now_ms},\"service\":\"{service}\",\"host\":\"{service}-{host}\",\
             \"level\":\"{level}\",\"message\":\"{message}\",\"key\":\"{key}\",\
             \"duration_ms\":{duration_ms},\"trace\":\"{trace:016x}\"}}"
        );
        (key, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json() {
        let mut noise = Noise::new(1);
        for service in ["checkout", "payments", "search"] {
            for _ in 0..200 {
                let (key, line) = noise.line(service, 5);
                let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
                assert_eq!(value["service"], service);
                assert_eq!(value["key"], key);
            }
        }
    }
}
