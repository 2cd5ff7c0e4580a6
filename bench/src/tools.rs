//! The programs a run needs beside Envoy.

use testbed::tools::{Source, Tool};

/// The load generator.
pub static WRK: Tool = Tool {
    name: "wrk",
    version: "",
    purpose: "load on Envoy",
    source: Source::Apt {
        package: "wrk",
        binary: "wrk",
    },
};

/// Pins a program to processors.
pub static TASKSET: Tool = Tool {
    name: "taskset",
    version: "",
    purpose: "one core for Envoy, another for the load",
    source: Source::Apt {
        package: "util-linux",
        binary: "taskset",
    },
};
