//! The answer to an append, now or later: a `Future` that needs no runtime, or a blocking wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use super::error::AppendError;
use super::image::Image;

/// What an append led to.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The image right behind the append, or behind the ones that were written together with it.
    pub image: Arc<Image>,
}

impl Committed {
    /// The offset of the last record in the image.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.image.offset()
    }
}

type Answer = Result<Committed, AppendError>;

#[derive(Debug, Default)]
struct State {
    answer: Option<Answer>,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

/// An append under way. Dropping the ticket does not call the append back.
#[derive(Debug)]
#[must_use = "an append can fail: await the ticket or wait() for it"]
pub struct AppendTicket {
    shared: Arc<Shared>,
}

/// The other end of a ticket. Dropped without an answer it says that the log is closed.
#[derive(Debug)]
pub(super) struct Answerer {
    shared: Option<Arc<Shared>>,
}

/// A ticket and its other end.
pub(super) fn ticket() -> (AppendTicket, Answerer) {
    let shared = Arc::new(Shared::default());
    (
        AppendTicket {
            shared: Arc::clone(&shared),
        },
        Answerer {
            shared: Some(shared),
        },
    )
}

impl AppendTicket {
    /// Blocks this thread until the append is durable; not for a runtime's threads.
    ///
    /// # Errors
    /// [`AppendError`] when it did not happen.
    pub fn wait(self) -> Answer {
        let mut state = self.shared.state.lock();
        loop {
            if let Some(answer) = state.answer.take() {
                return answer;
            }
            self.shared.answered.wait(&mut state);
        }
    }
}

impl Future for AppendTicket {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut state = self.shared.state.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Answerer {
    pub(super) fn answer(mut self, answer: Answer) {
        self.give(answer);
    }

    fn give(&mut self, answer: Answer) {
        let Some(shared) = self.shared.take() else {
            return;
        };
        let waker = {
            let mut state = shared.state.lock();
            state.answer = Some(answer);
            state.waker.take()
        };
        shared.answered.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Answerer {
    fn drop(&mut self) {
        self.give(Err(AppendError::Closed));
    }
}
