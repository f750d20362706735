//! The word that ends everything: stop accepting, answer what waits, close.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::sync::watch;
use tokio::task::unconstrained;

/// Says the word.
#[derive(Debug)]
pub struct DrainTrigger {
    word: watch::Sender<()>,
    is_said: Arc<AtomicBool>,
}

/// Hears it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Drain {
    word: watch::Receiver<()>,
    is_said: Arc<AtomicBool>,
}

/// A trigger and its first listener.
pub fn channel() -> (DrainTrigger, Drain) {
    let (sender, receiver) = watch::channel(());
    let is_said = Arc::default();
    let drain = Drain {
        word: receiver,
        is_said: Arc::clone(&is_said),
    };
    let trigger = DrainTrigger {
        word: sender,
        is_said,
    };
    (trigger, drain)
}

impl DrainTrigger {
    /// Begins the drain. Saying it twice changes nothing.
    pub fn begin(&self) {
        self.is_said.store(true, Ordering::Release);
        self.word.send_replace(());
    }
}

impl Drop for DrainTrigger {
    fn drop(&mut self) {
        // Nobody is left who could begin it, which is the end as well.
        self.begin();
    }
}

impl Drain {
    /// Resolves once the drain has begun (also when nobody is left who could begin it).
    pub async fn begun(&mut self) {
        while !self.has_begun() {
            // An error means that the trigger is gone, which has said the word before.
            if self.word.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether it has begun.
    #[inline]
    pub fn has_begun(&self) -> bool {
        self.is_said.load(Ordering::Acquire)
    }

    /// As [`Drain::begun`], for who waits for it beside something else, time and again: it is in the list
    /// of those who wait once, and not once for each time.
    pub fn listening(&self) -> Listening {
        let mut drain = self.clone();
        Listening {
            is_said: Arc::clone(&self.is_said),
            // A task that has done much already gets into the list as well.
            begun: Box::pin(unconstrained(async move { drain.begun().await })),
            waker: None,
        }
    }
}

/// Listens until the drain has begun.
pub struct Listening {
    is_said: Arc<AtomicBool>,
    begun: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Who is in the list.
    waker: Option<Waker>,
}

impl Future for Listening {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_said.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if self.waker.as_ref().is_some_and(|of| of.will_wake(waker)) {
            return Poll::Pending;
        }
        self.waker = Some(waker.clone());
        self.begun.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    async fn is_quiet(listening: &mut Listening) -> bool {
        timeout(MOMENT, listening).await.is_err()
    }

    #[tokio::test]
    async fn the_word_is_heard_by_who_waited_before_and_who_comes_later() {
        let (trigger, mut drain) = channel();
        let mut listening = drain.listening();
        for _ in 0..3 {
            assert!(is_quiet(&mut listening).await && !drain.has_begun());
        }
        let mut elsewhere = drain.listening();
        assert!(is_quiet(&mut elsewhere).await);
        // Another task: the place in the list is handed on.
        let elsewhere = tokio::spawn(timeout(LONG, elsewhere));
        let here = async {
            tokio::time::sleep(MOMENT).await;
            trigger.begin();
        };
        let (heard, ()) = tokio::join!(timeout(LONG, &mut listening), here);
        heard.expect("it waited when the word was said");
        let heard = elsewhere.await.expect("no panic");
        heard.expect("it waited in another task");
        assert!(drain.has_begun());
        timeout(LONG, drain.begun()).await.expect("it has begun");
        timeout(LONG, drain.listening())
            .await
            .expect("it has begun");
    }

    #[tokio::test]
    async fn without_a_trigger_it_has_begun() {
        let (trigger, mut drain) = channel();
        let waiting = tokio::spawn(timeout(LONG, drain.listening()));
        tokio::time::sleep(MOMENT).await;
        drop(trigger);
        waiting
            .await
            .expect("no panic")
            .expect("the trigger is gone");
        timeout(LONG, drain.begun()).await.expect("it has begun");
    }
}
