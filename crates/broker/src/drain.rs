//! The word that ends everything: stop accepting, answer what waits, close.

use tokio::sync::watch;

/// Says the word.
#[derive(Debug)]
pub struct DrainTrigger(watch::Sender<bool>);

/// Hears it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Drain(watch::Receiver<bool>);

/// A trigger and its first listener.
pub fn channel() -> (DrainTrigger, Drain) {
    let (sender, receiver) = watch::channel(false);
    (DrainTrigger(sender), Drain(receiver))
}

impl DrainTrigger {
    /// Begins the drain. Saying it twice changes nothing.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Drain {
    /// Resolves once the drain has begun (also when nobody is left who could begin it).
    pub async fn begun(&mut self) {
        // An error means that the trigger is gone, which is the end as well.
        let _gone = self.0.wait_for(|begun| *begun).await.is_err();
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }
}
