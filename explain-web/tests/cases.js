// The cases of the command, edgectl/tests/cases/explain.trycmd, as the page is asked the same.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const CASES = new URL("../../edgectl/tests/cases/", import.meta.url).pathname;
const FOLDER = join(CASES, "explain.in");

/** The words of a command line, as trycmd takes them apart. */
function words(line) {
  const pieces = line.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g);
  return pieces.map((piece) => piece.replace(/"([^"]*)"|'([^']*)'/g, (_, a, b) => a ?? b));
}

function read(name) {
  return readFileSync(join(FOLDER, name), "utf8");
}

/** What is typed into the page for the options of a command; null where the page has no such thing. */
function fields(args) {
  const typed = { request: [], token: "", configuration: "", at: "" };
  const headers = [];
  const rest = [...args];
  while (rest.length > 0) {
    const word = rest.shift();
    if (word === "--json" || word === "--no-token") continue;
    if (word === "--config") typed.configuration = read(rest.shift());
    else if (word === "--token-file") typed.token = read(rest.shift());
    else if (word === "--at") typed.at = rest.shift();
    else if (word === "--header") headers.push(rest.shift());
    else if (word === "--log-line") return { line: rest.shift() };
    else if (word.startsWith("--")) return null;
    else typed.request.push(word);
  }
  return { ...typed, request: [typed.request.join(" "), ...headers].join("\n") };
}

/** What the command answers: its JSON, or the sentence it ends with. */
function told(args) {
  const json = args.includes("--json") ? args : [...args, "--json"];
  const run = spawnSync(process.env.EDGECTL, ["explain", ...json], { cwd: FOLDER, encoding: "utf8" });
  if (run.error) throw run.error;
  if (run.stdout !== "") return JSON.parse(run.stdout);
  // Only the command has options to name.
  return { error: run.stderr.trim().replace(/^edgectl: (--at: )?/, ""), status: run.status };
}

/** Every case that can be asked both ways: its command line, what is typed, what the command answers. */
export function cases() {
  const lines = readFileSync(join(CASES, "explain.trycmd"), "utf8").split("\n");
  return lines
    .filter((line) => line.startsWith("$ edgectl explain "))
    .map((line) => ({ name: line.slice("$ edgectl explain ".length), args: words(line).slice(3) }))
    .map(({ name, args }) => ({ name, args, typed: args.includes("missing.json") ? null : fields(args) }))
    .filter(({ typed }) => typed !== null)
    .map(({ name, args, typed }) => ({ name, typed, expected: told(args) }))
    .filter(({ expected }) => expected.status !== 2);
}

/** A token whose every part is an attack on whoever shows it. */
export function hostileToken(bytes) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const attack = "<img src=x onerror='window.ran=1'><script>window.ran=1</script>\u0000\u001b[2J\u202e\"'>";
  const claims = { iss: attack, [attack]: attack, access: [{ type: attack, name: attack, actions: [attack] }] };
  claims.filler = "<b>".repeat(Math.max(0, Math.floor((bytes * 3) / 4 / 3) - 600));
  return `${part({ alg: "RS256", kid: attack, [attack]: [attack] })}.${part(claims)}.${part(attack)}`;
}
