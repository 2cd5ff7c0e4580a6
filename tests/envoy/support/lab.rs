//! What is made once and used by many tests: tools, the two builds, and the shared edges.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use testbed::registry::Release;
use testbed::stack::Builder;
use testbed::tools::{Progress, Tools};
use testbed::{Stack, artifact};

use super::edge::{Edge, LogMark, Setup};
use super::suite;

/// The shared parts; each is made when first used.
pub(crate) struct Lab {
    tools: OnceLock<Tools>,
    artifacts: OnceLock<(PathBuf, PathBuf)>,
    gitlab: Shared,
    distribution_2: Shared,
    distribution_3: Shared,
}

/// An edge that started, or why it did not: then every test that needs it fails with that.
#[derive(Default)]
struct Shared {
    edge: OnceLock<Result<Edge, String>>,
    starting: Mutex<()>,
}

thread_local! {
    /// Where the logs of the shared edges stood when the running test first used them.
    static MARKS: RefCell<Vec<LogMark>> = const { RefCell::new(Vec::new()) };
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            tools: OnceLock::new(),
            artifacts: OnceLock::new(),
            gitlab: Shared::default(),
            distribution_2: Shared::default(),
            distribution_3: Shared::default(),
        }
    }

    pub(crate) fn tools(&self) -> &Tools {
        self.tools
            .get_or_init(|| Tools::open(Progress::stderr()).unwrap())
    }

    /// The beginning of a stack of the test's own, with the filter as it is in this tree.
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

    /// The edge as shipped for GitLab, run by `func-e`, in front of two nodes without tokens of
    /// their own.
    pub(crate) fn gitlab(&self) -> &Edge {
        self.shared(&self.gitlab, |lab| Edge::start(lab, Setup::gitlab()))
    }

    /// The edge for Distribution 2.8, and beside it a node that checks tokens itself.
    pub(crate) fn distribution_2(&self) -> &Edge {
        self.shared(&self.distribution_2, |lab| {
            Edge::start(lab, Setup::distribution(Release::Distribution2))
        })
    }

    /// The edge for Distribution 3, and beside it a node that checks tokens itself.
    pub(crate) fn distribution_3(&self) -> &Edge {
        self.shared(&self.distribution_3, |lab| {
            Edge::start(lab, Setup::distribution(Release::Distribution3))
        })
    }

    /// One edge for each profile.
    pub(crate) fn profiles(&self) -> [&Edge; 3] {
        [self.gitlab(), self.distribution_2(), self.distribution_3()]
    }

    fn shared<'a>(&'a self, shared: &'a Shared, start: impl FnOnce(&Self) -> Edge) -> &'a Edge {
        let _one_at_a_time = shared
            .starting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let edge = shared.edge.get_or_init(|| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| start(self))).map_err(|_| {
                "a shared edge did not start; the first test that needs it says why".to_owned()
            })
        });
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
        started
            .into_iter()
            .filter(|pid| super::edge::is_alive(*pid))
            .collect()
    }
}
