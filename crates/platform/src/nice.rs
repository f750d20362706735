//! Threads that let others go first.

/// Makes the thread that calls this, and those that it starts later, so much nicer: the kernel lets others go
/// first. Only Linux knows nice threads; elsewhere they are like all others.
#[cfg(target_os = "linux")]
pub fn be_nicer(nicer: i32) {
    if nicer > 0 {
        // Without it the work is done all the same.
        rustix::process::nice(nicer).ok();
    }
}

/// See above.
#[cfg(not(target_os = "linux"))]
pub fn be_nicer(_nicer: i32) {}
