//! What is made once and used by many tests: tools, the two builds, and the shared edges.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};

use testbed::registry::Release;
use testbed::stack::Builder;
use testbed::tools::{Progress, Tools};
use testbed::{Stack, artifact};

use super::edge::{Edge, Setup, is_alive};
use super::log::LogMark;
use super::suite;

/// The shared parts; each is made when first used.
#[derive(Default)]
pub(crate) struct Lab {
    parts: Arc<Parts>,
    gitlab: Shared,
    distribution_2: Shared,
    distribution_3: Shared,
}

/// What stacks are made of: the tools and what is built from this tree.
#[derive(Default)]
pub(crate) struct Parts {
    tools: OnceLock<Tools>,
    artifacts: OnceLock<(PathBuf, PathBuf)>,
}

impl Parts {
    pub(crate) fn tools(&self) -> &Tools {
        self.tools
            .get_or_init(|| Tools::open(Progress::stderr()).unwrap())
    }

    /// The beginning of a stack, with the filter as it is in this tree.
    pub(crate) fn builder(&self) -> Builder {
        let (filter, edgectl) = self.artifacts.get_or_init(|| {
            let tools = self.tools();
            (
                artifact::filter(tools).unwrap(),
                artifact::edgectl(tools).unwrap(),
            )
        });
        Stack::builder(self.tools()).wasm(filter).edgectl(edgectl)
    }
}

/// An edge that started, or why it did not: then every test that needs it fails with that.
#[derive(Default)]
struct Shared {
    edge: OnceLock<Result<Edge, String>>,
    starting: Mutex<Option<Keeper>>,
}

/// A thread that lasts as long as this value.
///
/// Envoy asks the kernel for SIGTERM when the thread that started it ends (`PR_SET_PDEATHSIG`, a
/// part of its hot restart), and a thread of the harness ends before the tests of the other do.
struct Keeper {
    _ends: mpsc::Sender<()>,
}

thread_local! {
    /// Where the logs of the shared edges stood when the running test first used them.
    static MARKS: RefCell<Vec<LogMark>> = const { RefCell::new(Vec::new()) };
}

impl Lab {
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    pub(crate) fn tools(&self) -> &Tools {
        self.parts.tools()
    }

    /// The beginning of a stack of the test's own.
    pub(crate) fn builder(&self) -> Builder {
        self.parts.builder()
    }

    /// The edge as shipped for GitLab, run by `func-e`, in front of two nodes without tokens of
    /// their own.
    pub(crate) fn gitlab(&self) -> &Edge {
        self.shared(&self.gitlab, Setup::gitlab)
    }

    /// The edge for Distribution 2.8, and beside it a node that checks tokens itself.
    pub(crate) fn distribution_2(&self) -> &Edge {
        self.shared(&self.distribution_2, || {
            Setup::distribution(Release::Distribution2)
        })
    }

    /// The edge for Distribution 3, and beside it a node that checks tokens itself.
    pub(crate) fn distribution_3(&self) -> &Edge {
        self.shared(&self.distribution_3, || {
            Setup::distribution(Release::Distribution3)
        })
    }

    /// One edge for each profile.
    pub(crate) fn profiles(&self) -> [&Edge; 3] {
        [self.gitlab(), self.distribution_2(), self.distribution_3()]
    }

    fn shared<'a>(&'a self, shared: &'a Shared, setup: fn() -> Setup) -> &'a Edge {
        let mut keeper = shared
            .starting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let edge = shared.edge.get_or_init(|| {
            let (edge, kept) = start(&self.parts, setup);
            *keeper = Some(kept);
            edge
        });
        drop(keeper);
        let edge = edge.as_ref().unwrap_or_else(|error| panic!("{error}"));
        let mark = edge.mark();
        MARKS.with_borrow_mut(|marks| {
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        });
        edge
    }

    /// Tells what the shared edges that the ending test used have logged meanwhile.
    pub(crate) fn tell_logs(&self, failed: bool) {
        for mark in MARKS.take() {
            if failed {
                suite::tell(mark.excerpt());
            }
        }
    }

    /// Ends the shared edges; answers the processes that did not end.
    pub(crate) fn close(self) -> Vec<u32> {
        let edges = [self.gitlab, self.distribution_2, self.distribution_3];
        let edges: Vec<Edge> = edges
            .into_iter()
            .filter_map(|shared| shared.edge.into_inner()?.ok())
            .collect();
        let started: Vec<u32> = edges.iter().flat_map(Edge::processes).collect();
        drop(edges);
        started.into_iter().filter(|pid| is_alive(*pid)).collect()
    }
}

/// Starts an edge on a thread of its own.
fn start(parts: &Arc<Parts>, setup: fn() -> Setup) -> (Result<Edge, String>, Keeper) {
    let (ends, end) = mpsc::channel();
    let (started, edge) = mpsc::channel();
    let parts = Arc::clone(parts);
    std::thread::spawn(move || {
        let edge = catch_unwind(AssertUnwindSafe(|| Edge::start(&parts, setup())));
        let edge = edge.map_err(|_| suite::evidence().join("\n"));
        if started.send(edge).is_ok() {
            // An error, when the sender is dropped.
            let _ = end.recv();
        }
    });
    (edge.recv().unwrap(), Keeper { _ends: ends })
}
