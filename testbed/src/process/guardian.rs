//! The guardian: a small shell that outlives this program for a moment and cleans up after it.
//!
//! Destructors do not run on `exit`, on abort, on SIGKILL, or for statics at the end of a test
//! program. So what is started or made is also told to a shell, over a pipe that only this program
//! holds open: when the pipe closes, this program is gone, and the shell ends the groups and removes
//! the folders that are still on its list.
//!
//! Why not `PR_SET_PDEATHSIG`: it needs `unsafe` here, and it fires when the starting *thread* ends.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::Pid;

/// Reads `+g ID`, `-g ID`, `+d FOLDER`, `-d FOLDER`, one a line; acts at the end of input.
/// Signals that a terminal sends to everyone are ignored.
const SCRIPT: &str = r#"
trap '' HUP INT TERM QUIT
groups=' ' folders=
while IFS= read -r line; do
  what=${line%% *} name=${line#* }
  case $what in
    +g) groups="$groups$name " ;;
    -g) case $groups in *" $name "*) groups="${groups%% $name *} ${groups#* $name }" ;; esac ;;
    +d) folders="$folders$name
" ;;
    -d) folders=$(printf '%s' "$folders" | grep -vxF -- "$name"); folders="$folders
" ;;
  esac
done
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
tries=0
while [ $tries -lt 30 ]; do
  left=
  for g in $groups; do kill -s 0 -- "-$g" 2>/dev/null && left=1; done
  [ -z "$left" ] && break
  sleep 0.1; tries=$((tries + 1))
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
printf '%s' "$folders" | while IFS= read -r d; do [ -n "$d" ] && rm -rf -- "$d"; done
"#;

#[derive(Debug)]
struct Guardian {
    _shell: Child,
    pipe: ChildStdin,
}

/// What is watched, in the order of starting, and the shell once there is something to watch.
#[derive(Debug, Default)]
struct Watch {
    guardian: Option<Guardian>,
    groups: Vec<Pid>,
    folders: Vec<std::path::PathBuf>,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch {
    guardian: None,
    groups: Vec::new(),
    folders: Vec::new(),
});

fn watch() -> MutexGuard<'static, Watch> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Tells the shell, starting it when needed. Without a shell the other two ways of ending
    /// remain, so failing here fails nothing.
    fn tell(&mut self, line: &str) {
        if self.guardian.is_none() {
            self.guardian = start().ok();
        }
        let told = self.guardian.as_mut().map(|g| writeln!(g.pipe, "{line}"));
        if !matches!(told, Some(Ok(()))) {
            self.guardian = None;
        }
    }
}

fn start() -> std::io::Result<Guardian> {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "testbed-guardian"])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    let pipe = shell.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    Ok(Guardian {
        _shell: shell,
        pipe,
    })
}

pub(super) fn watch_group(group: Pid) {
    let mut watch = watch();
    watch.groups.push(group);
    watch.tell(&format!("+g {group}"));
}

pub(super) fn forget_group(group: Pid) {
    let mut watch = watch();
    if watch.groups.contains(&group) {
        watch.groups.retain(|&known| known != group);
        watch.tell(&format!("-g {group}"));
    }
}

pub(super) fn watch_folder(folder: &Path) {
    let mut watch = watch();
    watch.folders.push(folder.to_owned());
    watch.tell(&format!("+d {}", folder.display()));
}

pub(super) fn forget_folder(folder: &Path) {
    let mut watch = watch();
    watch.folders.retain(|known| known != folder);
    watch.tell(&format!("-d {}", folder.display()));
}

/// Groups still watched, the last started first.
pub(super) fn groups() -> Vec<Pid> {
    watch().groups.iter().rev().copied().collect()
}

/// Folders still watched.
pub(super) fn folders() -> Vec<std::path::PathBuf> {
    watch().folders.clone()
}
