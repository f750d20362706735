//! The heaviest of a stream, in little memory: Space-Saving (Metwally, Agrawal, El Abbadi 2005) with
//! weights that fade, so that what was long ago makes way.
//!
//! Whoever comes new when all places are taken gets the lightest one's place and its weight, which
//! he may not deserve: that part is his surplus. Weight less surplus is what he has at least, and
//! nobody heavier than the lightest place is ever left out.

/// Below this a weight is nothing.
const WEIGHT_MIN: f64 = 0.5;

/// At most so many of a stream.
#[derive(Debug)]
pub(super) struct Top<T> {
    places: Vec<Place<T>>,
    max: usize,
    /// Of all that was added, faded like the places.
    total: f64,
}

/// Somebody of the stream.
#[derive(Debug)]
pub(super) struct Place<T> {
    hash: u64,
    weight: f64,
    surplus: f64,
    /// What is known of him.
    pub(super) item: T,
}

impl<T> Place<T> {
    /// What tells him from others.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// What he has at least.
    pub(super) fn at_least(&self) -> f64 {
        (self.weight - self.surplus).max(0.0)
    }
}

impl<T> Top<T> {
    /// Nobody so far, at most `max`.
    pub(super) fn new(max: usize) -> Self {
        assert!(max > 0, "there is a first place");
        Self {
            places: Vec::with_capacity(max),
            max,
            total: 0.0,
        }
    }

    /// Adds to the weight of whoever has this hash; `make` is asked when he is new.
    pub(super) fn add(&mut self, hash: u64, weight: f64, make: impl FnOnce() -> T) -> &mut T {
        self.total += weight;
        let known = self.places.iter().position(|place| place.hash == hash);
        let at = known.unwrap_or_else(|| self.take_place(hash, make));
        let place = &mut self.places[at];
        place.weight += weight;
        &mut place.item
    }

    fn take_place(&mut self, hash: u64, make: impl FnOnce() -> T) -> usize {
        let mut place = Place {
            hash,
            weight: 0.0,
            surplus: 0.0,
            item: make(),
        };
        if self.places.len() < self.max {
            self.places.push(place);
            return self.places.len() - 1;
        }
        let places = self.places.iter().enumerate();
        let lightest = places.min_by(|(_, a), (_, b)| a.weight.total_cmp(&b.weight));
        let at = lightest.map_or(0, |(at, _)| at);
        place.weight = self.places[at].weight;
        place.surplus = place.weight;
        self.places[at] = place;
        at
    }

    /// Everything weighs less now, by this factor; what weighs nothing any more goes.
    pub(super) fn fade(&mut self, factor: f64) {
        self.total *= factor;
        for place in &mut self.places {
            place.weight *= factor;
            place.surplus *= factor;
        }
        self.places.retain(|place| place.weight >= WEIGHT_MIN);
    }

    /// The places, in no order.
    pub(super) fn places_mut(&mut self) -> impl Iterator<Item = &mut Place<T>> {
        self.places.iter_mut()
    }

    /// The places with the share of everything that each has at least; the largest first.
    pub(super) fn shares(&self) -> Vec<(f64, &Place<T>)> {
        let total = self.total.max(f64::MIN_POSITIVE);
        let share = |place: &Place<T>| (place.at_least() / total).min(1.0);
        let mut shares: Vec<_> = self.places.iter().map(|p| (share(p), p)).collect();
        shares.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        shares
    }

    /// Whether nobody is there.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Top;

    #[test]
    fn the_heavy_are_found_among_many() {
        let mut top = Top::new(8);
        // 7 takes a third of 30 000; 9 999 others share the rest.
        for n in 0..30_000_u64 {
            let hash = if n % 3 == 0 { 7 } else { 100 + n % 10_000 };
            top.add(hash, 1.0, || hash);
        }
        let shares = top.shares();
        assert_eq!(shares[0].1.item, 7);
        assert!((shares[0].0 - 1.0 / 3.0).abs() < 0.01, "{}", shares[0].0);
        assert!(shares[1].0 < 0.01, "nobody else is called heavy");
    }

    #[test]
    fn what_is_long_ago_makes_way() {
        let mut top = Top::new(2);
        top.add(1, 1_000_000.0, || "old");
        for _ in 0..600 {
            top.fade(0.98);
            top.add(2, 10.0, || "new");
        }
        let shares = top.shares();
        assert_eq!((shares[0].1.item, shares[1].1.item), ("new", "old"));
        for _ in 0..2_000 {
            top.fade(0.98);
        }
        assert!(top.is_empty());
    }
}
