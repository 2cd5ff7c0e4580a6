//! `cargo xtask demo`: the whole stack on this machine, and a walk through the token flow.
//!
//! | module | part |
//! |---|---|
//! | [`prepare`] | tools and builds |
//! | [`cast`] | who takes part: users, their rights, the repository |
//! | [`walk`] | the five steps of the token flow, request by request |
//! | [`programs`] | the same through programs people use: login, push, pull, refusals, deletion |
//! | [`narrator`] | numbers, names and judges steps in front of the user |
//! | [`http`], [`token`] | plain requests to the edge; what is inside a token |
//! | [`by_hand`] | commands to go on with |
//!
//! What it is not: a test suite. It shows the main road and a few refusals; `tests/` proves the rest.

mod by_hand;
mod cast;
mod http;
mod narrator;
mod prepare;
mod programs;
mod token;
mod walk;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use testbed::process::interrupt::Interrupt;
use testbed::tools::{ENVOY, Progress, Tools};
use testbed::{Stack, envoy};

use crate::cli::Demo;
use crate::paint;
use cast::Cast;
use narrator::Narrator;
use prepare::Prepared;

/// Runs the demo.
pub(crate) fn run(options: &Demo, interrupt: &Interrupt) -> Result<ExitCode> {
    let start = Instant::now();
    let tools = Tools::open(Progress::stderr())?;
    if let Some(folder) = &options.keep {
        let mut entries = std::fs::read_dir(folder).into_iter().flatten();
        ensure!(
            entries.next().is_none(),
            "--keep {}: the folder is not empty; name a new one",
            folder.display()
        );
    }
    announce(options, &tools);
    let prepared = prepare::prepare(options.release.into(), &tools)?;
    let cast = Cast::new();
    let stack = stack(options, &tools, &prepared, &cast)?;
    let serving = paint::seconds(start.elapsed());
    let how = if prepared.func_e {
        ", through func-e"
    } else {
        ""
    };
    paint::say(&format!(
        "  {} the edge serves at {}: Envoy {}{how} {}",
        paint::green("✓"),
        paint::bold(&stack.url()),
        ENVOY.version,
        paint::dim(&format!("({serving} after the start)"))
    ));

    let mut narrator = Narrator::new(stack.logs());
    narrator.chapter("The token flow, request by request");
    walk::five_steps(&mut narrator, &stack, &cast, start)?;
    narrator.chapter("The same through the programs people use");
    programs::perform(&mut narrator, &tools, &stack, &cast)?;

    let went = narrator.went();
    paint::say(&format!(
        "\n{went} It took {}.",
        paint::seconds(start.elapsed())
    ));
    let code = if went.all_right() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    if options.once {
        drop(stack);
        said_where(options);
        return Ok(code);
    }
    by_hand::print(&stack, &cast);
    interrupt.wait();
    paint::say("\nEnding everything that was started …");
    drop(stack);
    said_where(options);
    paint::say(&format!("Done after {}.", paint::seconds(start.elapsed())));
    Ok(code)
}

fn announce(options: &Demo, tools: &Tools) {
    let missing: Vec<String> = prepare::needed(options.release.into())
        .into_iter()
        .filter(|tool| tools.find(tool).is_none())
        .map(|tool| format!("{} {}", tool.name, tool.version).trim().to_owned())
        .collect();
    let missing = if missing.is_empty() {
        "nothing to install, all tools are here".to_owned()
    } else {
        format!("install {}", missing.join(", "))
    };
    let after = if options.once {
        "end everything"
    } else {
        "stay up for you to try it by hand"
    };
    let kept = options.keep.as_ref().map_or_else(
        || "a temporary folder".to_owned(),
        |folder| folder.display().to_string(),
    );
    let nodes = if options.node_auth {
        "two registry nodes that check tokens too"
    } else {
        "two registry nodes"
    };
    paint::say(&format!(
        "{}\n  1. {missing}\n  2. build the filter and edgectl\n  \
         3. start an issuer in GitLab's place, {nodes}, and Envoy with the filter,\n     \
         on free ports of 127.0.0.1, in {kept}\n  \
         4. walk through the token flow and verify each step\n  5. {after}\n\
         Ctrl-C at any time ends what was started, and only that.\n",
        paint::bold("The demo will")
    ));
}

fn stack(options: &Demo, tools: &Tools, prepared: &Prepared, cast: &Cast) -> Result<Stack> {
    let mut builder = Stack::builder(tools)
        .wasm(&prepared.filter)
        .edgectl(&prepared.edgectl)
        .release(options.release.into())
        .node_auth(options.node_auth)
        .envoy(envoy::Settings {
            through_func_e: prepared.func_e,
            ..envoy::Settings::default()
        });
    for user in cast.users() {
        builder = builder.user(user.clone());
    }
    if let Some(folder) = &options.keep {
        builder = builder.folder(folder);
    }
    let what = "starting issuer, two registry nodes and Envoy";
    tools
        .progress()
        .step(what, || builder.start())
        .context("the stack did not start")
}

fn said_where(options: &Demo) {
    if let Some(folder) = &options.keep {
        paint::say(&format!(
            "Configuration, logs and images are in {}.",
            folder.display()
        ));
    }
}
