//! Ctrl-C: ends everything that was started, and only that, before the program ends.

use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use rustix::process::{Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{GRACE, POLL, guardian};
use crate::error::{Error, Result};

/// Exit status of a program ended by Ctrl-C, as shells count it.
const INTERRUPTED: i32 = 130;

#[derive(Debug, Default)]
struct State {
    waiting: bool,
    received: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// Proof that Ctrl-C is taken care of; for the start of `main`.
#[derive(Debug, Clone)]
pub struct Interrupt {
    shared: Shared,
}

/// Takes over SIGINT, SIGTERM and SIGHUP. From then on the first of them ends every process that was
/// started here, removes every temporary folder and exits with status 130; while
/// [`Interrupt::wait`] runs, it only makes that return. A second one exits at once (the guardian
/// cleans up).
///
/// Calling it again answers the same.
///
/// # Errors
/// When the system refuses the handlers.
pub fn install() -> Result<Interrupt> {
    static INSTALLED: OnceLock<Interrupt> = OnceLock::new();
    if let Some(installed) = INSTALLED.get() {
        return Ok(installed.clone());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|reason| Error::Io {
        context: "cannot take over Ctrl-C".to_owned(),
        reason,
    })?;
    let shared = Shared::default();
    let seen = Arc::clone(&shared);
    std::thread::spawn(move || {
        for (count, _signal) in signals.forever().enumerate() {
            if count > 0 {
                std::process::exit(INTERRUPTED);
            }
            let waiting = {
                let mut state = seen.0.lock().unwrap_or_else(PoisonError::into_inner);
                state.received = true;
                seen.1.notify_all();
                state.waiting
            };
            if !waiting {
                std::thread::spawn(|| {
                    end_everything();
                    std::process::exit(INTERRUPTED);
                });
            }
        }
    });
    Ok(INSTALLED.get_or_init(|| Interrupt { shared }).clone())
}

impl Interrupt {
    /// Blocks until Ctrl-C (or SIGTERM, SIGHUP). The caller then lets its values drop.
    pub fn wait(&self) {
        let (lock, woken) = &*self.shared;
        let mut state = lock.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting = true;
        while !state.received {
            state = woken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a signal has come.
    #[must_use]
    pub fn received(&self) -> bool {
        self.shared
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .received
    }
}

/// Ends all watched groups without their owners, who are busy on another thread.
fn end_everything() {
    let groups = guardian::groups();
    for &group in &groups {
        let _ = kill_process_group(group, Signal::TERM);
    }
    let start = Instant::now();
    while start.elapsed() < GRACE {
        let mut left = false;
        for &group in &groups {
            // Reaps the leader, which as a zombie would keep the group alive.
            let _ = waitpid(Some(group), WaitOptions::NOHANG);
            left |= test_kill_process_group(group).is_ok();
        }
        if !left {
            break;
        }
        std::thread::sleep(POLL);
    }
    for &group in &groups {
        let _ = kill_process_group(group, Signal::KILL);
        guardian::forget_group(group);
    }
    for folder in guardian::folders() {
        let _ = std::fs::remove_dir_all(&folder);
        guardian::forget_folder(&folder);
    }
}
