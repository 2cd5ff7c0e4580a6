//! The corpus through the artifact, as each host runs it.
//!
//! Every case runs twice in one virtual machine: what is remembered of the first time must not
//! change the answer.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Mutex;

use libtest_mimic::{Failed, Trial};

use crate::artifact;
use crate::filter;
use crate::host::{Dialect, LogLine, Options, Request, Response, Root, Vm, as_nginx_reads};
use corpus::{Answer, Corpus, Implementation, Message, Setting};

/// The artifact in one kind of host.
struct Artifact(Dialect);

/// Learns the target of a case, and answers nothing.
#[derive(Default)]
struct Reader(RefCell<Vec<u8>>);

pub(crate) fn trials() -> Vec<Trial> {
    // For as long as the process runs, so that every test may hold on to its case.
    let corpus: &'static Corpus = Box::leak(Box::new(Corpus::load()));
    let envoy = corpus
        .trials()
        .map(|trial| (trial.name(), trial, Dialect::Envoy));
    let wasmx = corpus
        .trials()
        .filter(|trial| {
            let reader = Reader::default();
            // Whatever it says of the answer, which is none.
            let _ = trial.run(&reader);
            has_one_path(&reader.0.into_inner())
        })
        .map(|trial| (trial.name(), trial, Dialect::WasmX));
    envoy
        .chain(wasmx)
        .map(|(name, trial, dialect)| {
            let run = move || trial.run(&Artifact(dialect)).map_err(Failed::from);
            Trial::test(name, run).with_kind(dialect.name())
        })
        .collect()
}

/// Whether NGINX reads the target as it was sent.
///
/// What else there is concerns the agreement of the two paths, which no case of the corpus is
/// about: its expectations are those for the path as it was sent.
fn has_one_path(target: &[u8]) -> bool {
    as_nginx_reads(target).is_some_and(|path| path == target)
}

impl Implementation for Reader {
    fn now(&self) -> i64 {
        crate::NOW.cast_signed()
    }

    fn answer(&self, _: &Setting<'_>, message: &Message) -> Answer {
        self.0.replace(message.target.clone());
        Answer::Forwarded
    }
}

impl Implementation for Artifact {
    fn now(&self) -> i64 {
        crate::NOW.cast_signed()
    }

    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer {
        let request = Request {
            method: message.method.clone(),
            target: message.target.clone(),
            fields: message.fields.clone(),
            body: message.body.clone(),
        };
        let mut vm = Vm::start(artifact::module(), Options::of(self.0)).unwrap();
        let root = vm
            .configured(&filter::configuration(setting).to_string().into_bytes())
            .unwrap();
        vm.take_log();
        let first = answered(&mut vm, root, &request);
        let second = answered(&mut vm, root, &request);
        assert_eq!(first, second, "another answer the second time");
        let (response, reason) = first;
        match response {
            None => Answer::Forwarded,
            Some(Response {
                status,
                fields,
                body,
            }) => Answer::Responded {
                status,
                headers: fields,
                body,
                reason,
            },
        }
    }
}

/// The response to a request, and the tag of its reason in the log.
fn answered(
    vm: &mut Vm,
    root: Root,
    request: &Request,
) -> (Option<Response>, Option<&'static str>) {
    let outcome = vm.request(root, request).unwrap();
    let log = vm.take_log();
    let reasons: Vec<&str> = log.iter().filter_map(LogLine::reason).collect();
    // A refusal says why, once; what goes on is not worth a line.
    assert_eq!(
        reasons.len(),
        usize::from(outcome.response.is_some()),
        "{log:?}"
    );
    let reason = reasons.first().map(|reason| interned(reason));
    (outcome.response, reason)
}

/// The same text for as long as the process runs. There are few reasons.
fn interned(reason: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap();
    if let Some(reason) = known.get(reason) {
        return reason;
    }
    let reason: &'static str = Box::leak(reason.to_owned().into_boxed_str());
    known.insert(reason);
    reason
}
