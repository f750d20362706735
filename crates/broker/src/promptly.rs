//! Work that is mostly ready at once: no timer of the runtime is made for it before it is not, and
//! none is made anew for each time that somebody waits for a peer that mostly answers soon.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

/// As good as never, where a time is beyond what the clock can tell.
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// What work has come to by now. It leaves word where to call when there is more.
pub async fn so_far<F: Future>(mut work: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await
}

/// What becomes of work within some time; `None` if nothing does. The time is asked for only if the
/// work is not ready.
pub async fn within<F: Future>(
    time: impl FnOnce() -> Duration,
    mut work: Pin<&mut F>,
) -> Option<F::Output> {
    match so_far(work.as_mut()).await {
        Poll::Ready(done) => Some(done),
        Poll::Pending => timeout(time(), work).await.ok(),
    }
}

/// How long somebody waits for a peer, each time. One timer goes on from time to time, and only when it
/// rings it is looked whether the last time was that long.
#[derive(Debug)]
pub struct Patience {
    time: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whom the timer wakes.
    waker: Option<Waker>,
}

impl Patience {
    /// For so long.
    pub fn new(time: Duration) -> Self {
        Self {
            time,
            timer: None,
            waker: None,
        }
    }

    /// What becomes of work in this time; `None` if nothing does.
    pub async fn with<F: Future>(&mut self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        let mut end = None;
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => {
                let end = *end.get_or_insert_with(|| later(self.time));
                self.poll(end, context).map(|()| None)
            }
        })
        .await
    }

    /// Whether it is that late. If not, whoever polls is woken at `end`, or before.
    fn poll(&mut self, end: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = match &mut self.timer {
            Some(timer) => timer,
            none => none.insert(Box::pin(sleep_until(end))),
        };
        let waker = context.waker();
        let is_set = self.waker.as_ref().is_some_and(|of| of.will_wake(waker));
        if is_set && !timer.is_elapsed() {
            return Poll::Pending;
        }
        self.waker = Some(waker.clone());
        // It may be set to the end of an earlier time.
        if ring(timer.as_mut(), context).is_ready() && timer.deadline() >= end {
            return Poll::Ready(());
        }
        if timer.deadline() < end && timer.is_elapsed() {
            timer.as_mut().reset(end);
            return ring(timer.as_mut(), context);
        }
        Poll::Pending
    }
}

/// Whether the timer rings. A task that has done much already is told so as well: were it told to come
/// again instead, the timer would not know whom to wake.
fn ring(timer: Pin<&mut Sleep>, context: &mut Context<'_>) -> Poll<()> {
    Pin::new(&mut unconstrained(timer)).poll(context)
}

fn later(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + NEVER)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::task::consume_budget;
    use tokio::time::sleep;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const TIME: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn each_wait_has_all_of_the_time() {
        let mut patience = Patience::new(TIME);
        assert_eq!(patience.with(ready(7)).await, Some(7));
        assert!(patience.timer.is_none(), "nobody waited");
        let began = Instant::now();
        while began.elapsed() < TIME {
            assert_eq!(patience.with(sleep(30 * MS)).await, Some(()));
            sleep(5 * MS).await;
        }
        for _ in 0..2 {
            let began = Instant::now();
            assert_eq!(patience.with(pending::<()>()).await, None);
            assert!(began.elapsed() >= TIME, "after {:?}", began.elapsed());
        }
        let mut endless = Patience::new(Duration::MAX);
        assert_eq!(endless.with(sleep(MS)).await, Some(()));
    }

    #[tokio::test]
    async fn it_is_carried_to_another_task() {
        let mut patience = Patience::new(TIME);
        assert_eq!(patience.with(sleep(MS)).await, Some(()));
        let other = tokio::spawn(async move { patience.with(pending::<()>()).await });
        let ended = timeout(100 * TIME, other)
            .await
            .expect("its timer wakes it");
        assert_eq!(ended.expect("no panic"), None);
    }

    /// The timer must know whom to wake, also when the task was told to let others go first.
    #[tokio::test]
    async fn a_task_that_has_done_much_is_woken_too() {
        let waits = async {
            while consume_budget().now_or_never() {}
            Patience::new(TIME).with(pending::<()>()).await
        };
        let waited = timeout(100 * TIME, waits).await;
        assert_eq!(waited.expect("its timer wakes it"), None);
    }

    trait NowOrNever: Future + Sized {
        fn now_or_never(self) -> bool {
            let mut context = Context::from_waker(Waker::noop());
            pin!(self).poll(&mut context).is_ready()
        }
    }

    impl<F: Future> NowOrNever for F {}

    #[tokio::test]
    async fn no_time_is_asked_for_what_is_ready() {
        let asked = || -> Duration { panic!("the clock is read for nothing") };
        assert_eq!(within(asked, pin!(ready(7))).await, Some(7));
        let never = within(|| MS, pin!(pending::<()>())).await;
        assert_eq!(never, None);
    }
}
