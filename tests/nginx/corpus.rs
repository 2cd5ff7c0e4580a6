//! The corpus through the module, over HTTP/1.1, on each version.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use corpus::expectation::Expectation;
use corpus::{Answer, Corpus, Implementation, Message, Setting};
use libtest_mimic::{Failed, Trial};
use serde::Deserialize;
use testbed::nginx::{Nginx, Text, Version};
use testbed::process::{Folder, free_port};
use testbed::wire::Request;

use crate::edge::{is_from_registry, now, settings, tools};
use crate::http;

/// The file with what NGINX makes of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    exception: Vec<Exception>,
}

/// One reason, and every case in which it shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    reason: String,
    cases: Vec<String>,
    /// The answer then, of module or registry.
    answer: Option<Expectation>,
    /// Or the status that NGINX answers by itself, always a refusal.
    nginx: Option<u16>,
}

impl Exceptions {
    fn read(corpus: &Corpus) -> Self {
        let read: Self = toml::from_str(include_str!("nginx.toml")).unwrap();
        let names: BTreeSet<&str> = corpus.cases().map(|case| case.name.as_str()).collect();
        for exception in &read.exception {
            assert!(!exception.reason.is_empty(), "{:?}", exception.cases);
            for name in &exception.cases {
                assert!(names.contains(name.as_str()), "no case is called {name:?}");
            }
        }
        read
    }

    fn of(&self, trial: &corpus::trial::Trial<'_>) -> Option<&Exception> {
        let mut all = self.exception.iter();
        all.find(|known| known.cases.contains(&trial.case().name))
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let corpus: &'static Corpus = Box::leak(Box::new(Corpus::load()));
    let exceptions: &'static Exceptions = Box::leak(Box::new(Exceptions::read(corpus)));
    Version::ALL
        .into_iter()
        .flat_map(|version| {
            let edge = Arc::new(Edge::new(version, corpus));
            corpus.trials().map(move |trial| {
                let edge = Arc::clone(&edge);
                let name = trial.name();
                let known = exceptions.of(&trial);
                let run = move || judge(&trial, edge.running(), known).map_err(Failed::from);
                Trial::test(format!("corpus: {name}"), run).with_kind(version.name())
            })
        })
        .collect()
}

/// How many cases are answered otherwise than by the registry, for the table of hosts.
pub(crate) fn otherwise() -> String {
    let corpus = Corpus::load();
    let exceptions = Exceptions::read(&corpus);
    let by_the_filter = corpus
        .trials()
        .filter(corpus::trial::Trial::diverges)
        .count();
    let by_nginx = corpus
        .trials()
        .filter(|trial| exceptions.of(trial).is_some())
        .count();
    testbed::hosts::otherwise(by_the_filter, by_nginx, "tests/nginx/nginx.toml")
}

/// The answer of the corpus, or the one that NGINX makes of it.
fn judge(
    trial: &corpus::trial::Trial<'_>,
    edge: &Running,
    known: Option<&Exception>,
) -> Result<(), String> {
    let Some(known) = known else {
        return trial.run(edge);
    };
    if trial.run(edge).is_ok() {
        return Err("as elsewhere: take it out of nginx.toml".to_owned());
    }
    match (&known.answer, known.nginx) {
        (Some(answer), None) => trial.meet(edge, answer),
        (None, Some(wanted)) => by_itself(&trial.answer(edge), wanted),
        _ => Err("nginx.toml: either `answer` or `nginx`".to_owned()),
    }
}

/// Whether NGINX gave the answer itself, with this status: with a page, as the filter never does.
fn by_itself(answer: &Answer, wanted: u16) -> Result<(), String> {
    match answer {
        Answer::Responded { status, body, .. }
            if *status == wanted && wanted >= 400 && body.starts_with(b"<html>") =>
        {
            Ok(())
        }
        Answer::Responded { status, .. } => {
            Err(format!("expected {wanted} of NGINX itself, got {status}"))
        }
        _ => Err("it was forwarded".to_owned()),
    }
}

/// One NGINX with a server for each configuration of the corpus, started when first needed.
struct Edge {
    version: Version,
    corpus: &'static Corpus,
    running: OnceLock<Running>,
}

impl Edge {
    fn new(version: Version, corpus: &'static Corpus) -> Self {
        Self {
            version,
            corpus,
            running: OnceLock::new(),
        }
    }

    fn running(&self) -> &Running {
        self.running
            .get_or_init(|| Running::start(self.version, self.corpus))
    }
}

struct Running {
    /// By configuration, as text.
    ports: BTreeMap<String, u16>,
    _nginx: Nginx,
    _folder: Folder,
}

impl Running {
    fn start(version: Version, corpus: &Corpus) -> Self {
        let folder = Folder::temporary("registry-nginx-").unwrap();
        let configurations: BTreeSet<String> = corpus
            .trials()
            .map(|trial| trial.setting().filter_configuration().to_string())
            .collect();
        let ports: BTreeMap<String, u16> = configurations
            .into_iter()
            .map(|configuration| (configuration, free_port().unwrap()))
            .collect();
        let upstream = free_port().unwrap();
        let mut http = format!(
            "large_client_header_buffers 4 128k;\nserver {{ listen 127.0.0.1:{upstream}; \
             location / {{ add_header x-upstream-target $request_uri always; return 200; }} }}\n"
        );
        for (number, (configuration, port)) in ports.iter().enumerate() {
            let file = folder.path().join(format!("filter-{number}.json"));
            std::fs::write(&file, configuration).unwrap();
            writeln!(
                http,
                "server {{ listen 127.0.0.1:{port}; registry_token_filter on; \
                 registry_token_filter_config {}; \
                 location / {{ proxy_pass http://127.0.0.1:{upstream}; }} }}",
                file.display()
            )
            .unwrap();
        }
        let nginx = Nginx::start(
            tools(),
            settings(version, Text::Http(http)),
            folder.path(),
            upstream,
        )
        .unwrap_or_else(|error| panic!("{error}"));
        Self {
            ports,
            _nginx: nginx,
            _folder: folder,
        }
    }
}

impl Implementation for Running {
    fn now(&self) -> i64 {
        now()
    }

    fn answer(&self, setting: &Setting<'_>, message: &Message) -> Answer {
        let port = self.ports[&setting.filter_configuration().to_string()];
        let request = Request {
            method: message.method.clone(),
            target: message.target.clone(),
            host: message.host.clone(),
            fields: message.fields.clone(),
            body: message.body.clone(),
        };
        let response = http::send(port, &request);
        if is_from_registry(&response) {
            return Answer::Forwarded;
        }
        Answer::Responded {
            status: response.status,
            headers: response.fields,
            body: response.body,
            reason: None,
        }
    }
}
