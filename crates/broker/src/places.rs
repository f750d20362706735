//! Where the task of a connection is polled, and where it wants to be.
//!
//! A connection is one task all along, and what it does stays in order; only the thread changes. A task says
//! where it wants to be ([`go_to`]), and whoever polls it there ([`poll_at`]) hands it on.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Where a task is polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// By somebody who can't hand it on.
    Fixed,
    /// By the thread for those who have not sent a request yet.
    Entrance,
    /// On the data path.
    Data,
    /// On a thread that comes last.
    Aside,
}

thread_local! {
    /// Where the task is that this thread polls now.
    static HERE: Cell<Place> = const { Cell::new(Place::Fixed) };
    /// Where it wants to be.
    static WANTED: Cell<Option<Place>> = const { Cell::new(None) };
}

/// Where the task is that this thread polls now.
pub(crate) fn here() -> Place {
    HERE.get()
}

/// Whoever has the task polls it in the other place at once, so nobody need be woken.
pub(crate) async fn go_to(place: Place) {
    let mut has_asked = false;
    poll_fn(|_| {
        let here = HERE.get();
        let is_refused = has_asked || here == Place::Fixed;
        // Only the data path hands on to threads that come last.
        let is_far = here == Place::Entrance && place == Place::Aside;
        if is_refused || is_far || here == place {
            WANTED.set(None);
            return Poll::Ready(());
        }
        has_asked = true;
        WANTED.set(Some(place));
        Poll::Pending
    })
    .await;
}

/// The next time that the task waits, it goes back to the data path, if it was aside.
pub(crate) fn leave_aside() {
    if HERE.get() == Place::Aside {
        WANTED.set(Some(Place::Data));
    }
}

/// Polls a task, which may say where it wants to be.
pub(crate) fn poll_at<F: Future>(
    place: Place,
    task: &mut Pin<Box<F>>,
    context: &mut Context<'_>,
) -> (Poll<F::Output>, Option<Place>) {
    /// However the poll ends, nothing that is polled here later is taken for what can be handed on.
    struct Stay;
    impl Drop for Stay {
        fn drop(&mut self) {
            HERE.set(Place::Fixed);
        }
    }
    HERE.set(place);
    WANTED.set(None);
    let stay = Stay;
    let polled = task.as_mut().poll(context);
    drop(stay);
    (polled, WANTED.take())
}
