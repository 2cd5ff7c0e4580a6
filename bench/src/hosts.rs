//! What the native module costs in stock NGINX: processor time of its worker for one request, beside no
//! module and beside `auth_request`, which is how NGINX asks another program.
//!
//! All four answer the same empty image from memory, in one NGINX with one worker that is pinned to its
//! core. What `auth_request` asks is another NGINX on loopback, which answers 204 at once over kept
//! connections; its own time is not counted.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testbed::hosts::{self, Fact};
use testbed::nginx::{Nginx, Settings, Text, Version};
use testbed::process::free_port;

use crate::lab::{Lab, configuration};
use crate::load::{Prepared, Requests};
use crate::native;
use crate::procfs;
use crate::progress::Progress;
use crate::rounds::Plan;
use crate::statistics::Spread;
use crate::tokens::REPOSITORY;

/// More distinct tokens than the filter keeps, so that each is new when it comes again.
const COLD: usize = 14_000;

/// What is asked for; the names of the columns are theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    Alone,
    Hot,
    Cold,
    AuthRequest,
}

impl Chain {
    const ALL: [Self; 4] = [Self::Alone, Self::Hot, Self::Cold, Self::AuthRequest];

    const fn name(self) -> &'static str {
        match self {
            Self::Alone => "no module",
            Self::Hot => "module, token seen before",
            Self::Cold => "module, token never seen",
            Self::AuthRequest => "auth_request, empty answer",
        }
    }
}

/// Measures, and answers the table and what of the targets was reached, for people to read.
///
/// # Errors
/// When something cannot be had, or a request is not answered as it must be.
pub fn measure(lab: &mut Lab, version: Version, plan: Plan) -> Result<String> {
    let (edge, ports) = start(lab, version)?;
    let worker = *edge
        .nginx
        .workers()
        .first()
        .context("NGINX has no worker")?;
    let openssl = native::measure(&lab.tools, lab.cores)?.rsa_2048;
    let known = lab.tokens(1)?;
    let mut contenders: Vec<(Chain, u16, Prepared)> = Vec::new();
    for (chain, port) in Chain::ALL.into_iter().zip(ports) {
        let tokens = match chain {
            Chain::Cold => lab.tokens(COLD)?,
            _ => known.clone(),
        };
        let requests = Requests {
            method: "GET",
            path: format!("/v2/{REPOSITORY}/tags/list"),
            tokens,
        };
        let prepared = lab.loader.prepare(&format!("{chain:?}"), &requests)?;
        contenders.push((chain, port, prepared));
    }
    let mut microseconds = vec![Vec::new(); Chain::ALL.len()];
    let mut progress = Progress::begin(version.name(), Chain::ALL.len() * (plan.rounds + 1));
    let (mut requests, mut memory) = (0, Vec::new());
    // The first round warms up.
    for round in 0..=plan.rounds {
        for ((chain, port, prepared), samples) in contenders.iter().zip(&mut microseconds) {
            progress.step(&format!("{} (round {round})", chain.name()));
            let before = procfs::cpu_seconds(worker)?;
            let count = lab.loader.run(prepared, *port, plan.seconds)?;
            let spent = procfs::cpu_seconds(worker)? - before;
            requests += count.requests;
            anyhow::ensure!(count.refused == 0, "{}: refused", chain.name());
            if round > 0 {
                samples.push(spent * 1e6 / count.requests as f64);
            }
        }
        memory.push((requests, procfs::resident_bytes(worker)?));
    }
    drop(progress);
    let (mut told, saw) = report(version, &microseconds, openssl)?;
    hosts::saw(&hosts::nginx(version), Fact::Cost, &saw)?;
    if let (Some((few, before)), Some((many, after))) = (memory.first(), memory.last()) {
        let mebibytes = |bytes: &u64| *bytes as f64 / f64::from(1 << 20);
        write!(
            told,
            "\nresident memory of the worker: {:.1} MiB after {few} requests, {:.1} MiB after {many}",
            mebibytes(before),
            mebibytes(after)
        )?;
    }
    Ok(told)
}

/// For people to read, and for docs/hosts.md. One sample a round for each chain, in their order.
fn report(version: Version, microseconds: &[Vec<f64>], openssl: f64) -> Result<(String, String)> {
    let alone = microseconds.first().context("nothing was measured")?;
    let mut table = format!(
        "| {} | CPU µs | added µs | low | high |\n|---|---|---|---|---|\n",
        hosts::nginx(version)
    );
    let mut added = Vec::new();
    for (chain, samples) in Chain::ALL.into_iter().zip(microseconds) {
        // Of the same round: what disturbs one disturbs the other.
        let differences = samples.iter().zip(alone).map(|(one, alone)| one - alone);
        let all = Spread::of(samples.clone()).context("nothing was measured")?;
        let more = Spread::of(differences).context("nothing was measured")?;
        writeln!(
            table,
            "| {} | {:.2} | {:.2} | {:.2} | {:.2} |",
            chain.name(),
            all.median,
            more.median,
            more.low,
            more.high
        )?;
        added.push(more.median);
    }
    let [_, hot, cold, auth_request] = added.as_slice() else {
        anyhow::bail!("four chains were to be measured");
    };
    writeln!(
        table,
        "\none RSA-2048 verification by OpenSSL: {openssl:.1} µs"
    )?;
    for (what, bound, measured) in [
        ("a token seen before, added µs", 1.5, *hot),
        ("the same, of auth_request", 0.25, hot / auth_request),
        (
            "a token never seen, of an OpenSSL verification",
            1.5,
            cold / openssl,
        ),
    ] {
        let word = if measured <= bound {
            "reached"
        } else {
            "not reached"
        };
        writeln!(table, "{word}: {what} (at most {bound}): {measured:.2}")?;
    }
    let saw = format!("{hot:.1} µs over no module; `auth_request` adds {auth_request:.1}");
    Ok((table.trim_end().to_owned(), saw))
}

/// The NGINX under measurement, with the port of each chain; what `auth_request` asks runs as long.
fn start(lab: &Lab, version: Version) -> Result<(Edge, [u16; 4])> {
    let module = version.module(&lab.tools)?;
    let settings = |text: String| Settings {
        version,
        module: module.clone(),
        workers: 1,
        text: Text::Whole(text),
    };
    let folder = |name: &str| -> Result<std::path::PathBuf> {
        let folder = lab.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    let port = || free_port().map_err(anyhow::Error::from);
    let (asked, ports) = (port()?, [port()?, port()?, port()?, port()?]);
    let asked_text = whole(
        lab.cores.load,
        &format!("server {{ listen 127.0.0.1:{asked}; location / {{ return 204; }} }}"),
    );
    let asked = (
        asked,
        Nginx::start(&lab.tools, settings(asked_text), &folder("asked")?, asked)?,
    );
    let home = folder("nginx")?;
    let file = home.join("filter.json");
    std::fs::write(&file, configuration(&lab.bundle(), None))?;
    let text = whole(lab.cores.envoy, &servers(&ports, asked.0, &file));
    let nginx = Nginx::start(&lab.tools, settings(text), &home, ports[0])?;
    // A worker is there some time after its master listens.
    for _ in 0..50 {
        if !nginx.workers().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let edge = Edge {
        nginx,
        _asked: asked.1,
    };
    Ok((edge, ports))
}

struct Edge {
    nginx: Nginx,
    _asked: Nginx,
}

/// One worker, on this core.
fn whole(core: usize, servers: &str) -> String {
    let mask = format!("1{}", "0".repeat(core));
    format!(
        "worker_processes 1;\nworker_cpu_affinity {mask};\nerror_log stderr warn;\n\
         events {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\n\
         keepalive_requests 100000000;\n{servers}\n}}\n"
    )
}

fn servers(ports: &[u16; 4], asked: u16, file: &Path) -> String {
    let filter = format!(
        "registry_token_filter on; registry_token_filter_config {};",
        file.display()
    );
    let mut text = format!(
        "upstream asked {{ server 127.0.0.1:{asked}; keepalive 16; keepalive_requests 100000000; }}\n"
    );
    for (chain, port) in Chain::ALL.into_iter().zip(ports) {
        let (guard, more) = match chain {
            Chain::Alone => ("", ""),
            Chain::Hot | Chain::Cold => (filter.as_str(), ""),
            Chain::AuthRequest => (
                "auth_request /auth;",
                "location = /auth { internal; proxy_pass http://asked; proxy_http_version 1.1; \
                 proxy_set_header Connection \"\"; proxy_pass_request_body off; \
                 proxy_set_header Content-Length \"\"; }",
            ),
        };
        text.push_str(&format!(
            "server {{ listen 127.0.0.1:{port}; location / {{ {guard} empty_gif; }} {more} }}\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_told_against_the_same_round() {
        let samples = [
            vec![10.0, 20.0],
            vec![11.0, 21.0],
            vec![30.0, 40.0],
            vec![18.0, 28.0],
        ];
        let (text, saw) = report(Version::Nginx1_28, &samples, 16.0).unwrap();
        assert_eq!(saw, "1.0 µs over no module; `auth_request` adds 8.0");
        assert!(
            text.contains("| module, token seen before | 16.00 | 1.00 |"),
            "{text}"
        );
        assert!(
            text.contains("\nreached: the same, of auth_request (at most 0.25): 0.12"),
            "{text}"
        );
        assert!(text.contains(
            "reached: a token never seen, of an OpenSSL verification (at most 1.5): 1.25"
        ));
        let slow = [vec![10.0], vec![12.0], vec![40.0], vec![14.0]];
        assert_eq!(
            report(Version::Nginx1_28, &slow, 16.0)
                .unwrap()
                .0
                .matches("not reached")
                .count(),
            3
        );
    }
}
