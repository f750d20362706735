//! How much a client used lately: Kafka's sampled rate and its token bucket, without a clock.

/// Over what time something is measured: `quota.window.num` windows of
/// `quota.window.size.seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// How many windows are looked at, the current one among them.
    pub count: usize,
    /// The length of one.
    pub ms: u64,
}

impl Windows {
    /// What happened longer ago is forgotten.
    pub fn total_ms(&self) -> u64 {
        self.ms.saturating_mul(self.count as u64)
    }
}

/// What was recorded within one window.
#[derive(Debug, Clone, Copy)]
struct Sample {
    began_ms: u64,
    last_ms: u64,
    sum: f64,
}

impl Sample {
    const fn at(now_ms: u64) -> Self {
        Self {
            began_ms: now_ms,
            last_ms: now_ms,
            sum: 0.0,
        }
    }
}

/// A rate per second over the last windows.
///
/// A window begins with the first record after the one before has ended, so idle time costs
/// nothing. A sample that reaches into the time looked at counts as a whole.
#[derive(Debug, Clone, Default)]
pub struct Rate {
    /// At most one more than there are windows: the oldest reaches into the time looked at.
    samples: Vec<Sample>,
    current: usize,
}

impl Rate {
    /// Adds to the current window; a negative value takes back.
    pub fn record(&mut self, windows: Windows, value: f64, now_ms: u64) {
        let now_ms = self.not_before(now_ms);
        if self.samples.is_empty() {
            self.samples.push(Sample::at(now_ms));
            self.current = 0;
        } else if now_ms - self.samples[self.current].began_ms >= windows.ms {
            self.current = (self.current + 1) % (windows.count + 1);
            match self.samples.get_mut(self.current) {
                Some(oldest) => *oldest = Sample::at(now_ms),
                None => {
                    self.current = self.samples.len();
                    self.samples.push(Sample::at(now_ms));
                }
            }
        }
        let sample = &mut self.samples[self.current];
        sample.sum += value;
        sample.last_ms = now_ms;
    }

    /// Per second.
    pub fn per_second(&mut self, windows: Windows, now_ms: u64) -> f64 {
        let elapsed_ms = self.elapsed_ms(windows, now_ms);
        let sum: f64 = self.samples.iter().map(|sample| sample.sum).sum();
        sum / (elapsed_ms as f64 / 1_000.0)
    }

    /// The time that [`Rate::per_second`] divides by: from the beginning of the oldest sample, and
    /// never less than all windows but the current one, so that a first burst is not a high rate.
    pub fn elapsed_ms(&mut self, windows: Windows, now_ms: u64) -> u64 {
        let now_ms = self.not_before(now_ms);
        for sample in &mut self.samples {
            if now_ms - sample.last_ms >= windows.total_ms() {
                *sample = Sample::at(now_ms);
            }
        }
        let oldest = self.samples.iter().map(|sample| sample.began_ms).min();
        let elapsed_ms = now_ms - oldest.unwrap_or(now_ms);
        let full = elapsed_ms / windows.ms;
        let least = windows.count as u64 - 1;
        (elapsed_ms + least.saturating_sub(full) * windows.ms).max(1)
    }

    /// How long to wait until a rate that is too high is back at its bound.
    pub fn wait_ms(&mut self, windows: Windows, bound: f64, now_ms: u64) -> u64 {
        let rate = self.per_second(windows, now_ms);
        if rate <= bound {
            return 0;
        }
        let elapsed_ms = self.elapsed_ms(windows, now_ms) as f64;
        let wait_ms = (rate - bound) / bound * elapsed_ms;
        // A bound next to nothing would be a wait for ever.
        wait_ms.round().min(f64::from(i32::MAX)) as u64
    }

    /// Callers read their clock before they have the lock.
    fn not_before(&self, now_ms: u64) -> u64 {
        let last = self.samples.iter().map(|sample| sample.last_ms).max();
        now_ms.max(last.unwrap_or(0))
    }
}

/// Permits that come back at a steady rate, as many as all windows allow at most.
#[derive(Debug, Clone, Default)]
pub struct TokenBucket {
    /// `None` until the first look: the bucket is full then.
    state: Option<(f64, u64)>,
}

impl TokenBucket {
    /// Takes permits; the bucket may come to owe some.
    pub fn take(&mut self, windows: Windows, bound: f64, permits: f64, now_ms: u64) {
        let tokens = self.tokens(windows, bound, now_ms) - permits;
        self.state = Some((tokens, self.state.map_or(now_ms, |(_, at)| at)));
    }

    /// What is in it; negative is owed.
    pub fn tokens(&mut self, windows: Windows, bound: f64, now_ms: u64) -> f64 {
        let burst = windows.total_ms() as f64 / 1_000.0 * bound;
        let (tokens, at_ms) = self.state.unwrap_or((burst, now_ms));
        let now_ms = now_ms.max(at_ms);
        let came = (now_ms - at_ms) as f64 / 1_000.0 * bound;
        let tokens = (tokens + came).min(burst);
        self.state = Some((tokens, now_ms));
        tokens
    }

    /// How long until nothing is owed any more.
    pub fn wait_ms(&mut self, windows: Windows, bound: f64, now_ms: u64) -> u64 {
        let owed = -self.tokens(windows, bound, now_ms);
        if owed <= 0.0 {
            return 0;
        }
        (owed / bound * 1_000.0).round().min(f64::from(i32::MAX)) as u64
    }
}

#[cfg(test)]
mod tests;
