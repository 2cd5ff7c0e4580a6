// The page in a real Chromium: the same cases as the command, nothing leaves it, nothing of a token
// runs, and everybody can use it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { after, before, describe, test } from "node:test";

import axe from "axe-core";
import puppeteer from "puppeteer-core";

import { cases, hostileToken } from "./cases.js";

const PAGE = new URL("../../docs/explain/index.html", import.meta.url).href;
const EXAMPLES = 7;

for (const name of ["CHROMIUM", "EDGECTL"]) {
  assert.ok(process.env[name], `${name} names no program; cargo xtask test --only web sets it`);
}

let browser;

before(async () => {
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    // Continuous integration runs as root, where Chromium's own sandbox does not start.
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  });
});

after(() => browser?.close());

/** A new tab with the page, which fails the test for whatever should not happen in it. */
async function open(address = PAGE) {
  const page = await browser.newPage();
  page.faults = [];
  page.requests = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("dialog", (dialog) => (page.faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => page.requests.push(request.url()));
  await page.goto(address);
  await page.waitForSelector("body[data-ready]");
  return page;
}

/** Types into the fields and waits for the answer to this. */
async function ask(page, typed) {
  await page.evaluate((typed) => {
    document.getElementById("questions").reset();
    document.getElementById(typed.line === undefined ? "tab-request" : "tab-log").click();
    document.getElementById("verdict").replaceChildren();
    for (const [id, text] of Object.entries(typed)) document.getElementById(id).value = text;
    document.getElementById("questions").dispatchEvent(new Event("input"));
  }, typed);
  await page.waitForSelector("#verdict .banner");
}

/** What stands on the page, in the shape of the command's JSON. */
function shown(page) {
  return page.evaluate(() => {
    const text = (element, selector) => element.querySelector(selector)?.textContent ?? null;
    const all = (selector, read) => [...document.querySelectorAll(selector)].map(read);
    const lists = Object.fromEntries(
      all("dl.members", (list) => {
        const heading = list.previousElementSibling.firstChild.textContent;
        const rows = [...list.querySelectorAll("dt")].map((name) => {
          const value = name.nextElementSibling.cloneNode(true);
          const note = value.querySelector(".note")?.textContent ?? null;
          value.querySelector(".note")?.remove();
          value.querySelectorAll("br").forEach((line) => line.replaceWith("\n"));
          return { name: name.textContent, values: value.textContent.split("\n"), note };
        });
        return [heading, rows];
      }),
    );
    return {
      title: text(document, ".banner strong"),
      tag: text(document, ".banner .tag"),
      summary: text(document, ".banner p"),
      when: text(document, ".banner .when"),
      standing: document.querySelector(".standing")?.classList[1] ?? null,
      steps: all(".steps li", (step) => ({
        title: step.querySelector(".title").firstChild.textContent,
        outcome: step.className,
        spoken: text(step, ".visually-hidden"),
        seen: text(step, ".seen"),
        needed: text(step, ".needed"),
      })),
      causes: all(".causes li", (cause) => ({
        what: text(cause, ".what"),
        remedy: text(cause, ".remedy"),
        command: text(cause, ".command"),
      })),
      lists,
    };
  });
}

/** The command's JSON as it has to stand on the page. */
function wanted(told) {
  if (told.error !== undefined) {
    return { title: "This cannot be explained", summary: told.error };
  }
  const title = { forward: "Forwarded", challenge: "Challenged", reject: "Rejected" }[told.verdict];
  const common = { title, tag: told.reason, summary: told.summary, causes: told.causes };
  if (told.steps === undefined) return common;
  const full = (members) => members.map((member) => ({ ...member, values: member.values.length ? member.values : ["nothing"] }));
  const lists = {};
  if (told.token?.claims.length) lists["The token's claims"] = full(told.token.claims);
  if (told.token?.header.length) lists["The token's header"] = full(told.token.header);
  if (told.answer) {
    const rows = told.answer.headers.map(([name, value]) => ({ name, values: [value], note: null }));
    if (rows.length) lists[`The client gets ${told.answer.status}`] = rows;
  }
  return {
    ...common,
    when: `Decided for ${told.at}`,
    standing: told.token?.claims.length ? told.token.standing : null,
    steps: told.steps.map(({ title, outcome, seen, needed }) => ({
      title,
      outcome,
      spoken: `: ${outcome.replace("-", " ")}`,
      seen,
      needed: outcome === "failed" ? needed : null,
    })),
    lists,
  };
}

describe("the same cases as the command", () => {
  let page;
  before(async () => (page = await open()));
  after(() => page.close());
  const all = cases();
  test("there are many", () => assert.ok(all.length > 35, `${all.length}`));
  for (const { name, typed, expected } of all) {
    test(name, async () => {
      await ask(page, typed);
      const [seen, want] = [await shown(page), wanted(expected)];
      for (const [what, value] of Object.entries(want)) assert.deepEqual(seen[what], value, what);
      assert.deepEqual(page.faults, []);
    });
  }
});

describe("nothing leaves the page", () => {
  test("it makes no request, whatever is asked", async () => {
    const page = await open();
    for (let example = 0; example < EXAMPLES; example += 1) {
      await page.select("#example", String(example));
      await page.waitForSelector(".steps");
    }
    assert.deepEqual(page.requests, [PAGE]);
    const kept = await page.evaluate(async () => [
      document.cookie,
      localStorage.length,
      sessionStorage.length,
      (await indexedDB.databases()).length,
      location.href,
    ]);
    assert.deepEqual(kept, ["", 0, 0, 0, PAGE]);
    await page.close();
  });

  test("its policy stops what tries to send", async () => {
    const got = [];
    const sink = createServer((request, response) => (got.push(request.url), response.end()));
    await new Promise((resolve) => sink.listen(0, "127.0.0.1", resolve));
    const page = await open();
    const address = `http://127.0.0.1:${sink.address().port}/`;
    const refused = await page.evaluate(async (address) => {
      const violated = new Set();
      addEventListener("securitypolicyviolation", (event) => violated.add(event.effectiveDirective));
      const add = (tag, members) => document.body.append(Object.assign(document.createElement(tag), members));
      const fetched = await fetch(address + "fetch").then(() => "sent", () => "refused");
      navigator.sendBeacon(address + "beacon");
      try { new WebSocket(address.replace("http", "ws") + "socket"); } catch {}
      try { new EventSource(address + "events"); } catch {}
      add("img", { src: address + "image" });
      add("script", { src: address + "script" });
      add("script", { textContent: "window.ran = 1" });
      add("link", { rel: "stylesheet", href: address + "style" });
      add("iframe", { src: address + "frame" });
      add("form", { action: address + "form", method: "post" });
      document.body.lastChild.submit();
      await new Promise((resolve) => setTimeout(resolve, 500));
      return { fetched, ran: window.ran, violated: [...violated].sort() };
    }, address);
    assert.equal(refused.fetched, "refused");
    assert.equal(refused.ran, undefined);
    for (const directive of ["connect-src", "form-action", "frame-src", "img-src", "script-src-elem", "style-src-elem"]) {
      assert.ok(refused.violated.includes(directive), `${directive} of ${refused.violated}`);
    }
    assert.deepEqual(got, []);
    // The twin: the sink is there, and would have got it.
    assert.equal((await fetch(`${address}twin`)).status, 200);
    assert.deepEqual(got, ["/twin"]);
    sink.close();
    await page.close();
  });
});

describe("a hostile token is text", () => {
  for (const bytes of [2_000, 65_536, 1_200_000]) {
    test(`of ${bytes} bytes`, async () => {
      const page = await open();
      await page.select("#example", "0");
      const { request, configuration, at } = await page.evaluate(() =>
        Object.fromEntries(["request", "configuration", "at"].map((id) => [id, document.getElementById(id).value])),
      );
      await ask(page, { request, configuration, at, token: hostileToken(bytes) });
      const found = await page.evaluate(() => ({
        ran: window.ran,
        elements: document.querySelectorAll("#answer :is(img, script, b, iframe, svg, a)").length,
        text: document.getElementById("answer").innerText,
      }));
      assert.equal(found.ran, undefined);
      assert.equal(found.elements, 0);
      assert.deepEqual(page.faults, []);
      assert.deepEqual(page.requests, [PAGE]);
      assert.doesNotMatch(found.text, /[\u0000\u001b\u202e]/u);
      assert.ok(found.text.length < 40_000, `${found.text.length}`);
      if (bytes < 1 << 20) assert.match(found.text, /<img src=x onerror/);
      else assert.match(found.text, /token-too-long/);
      await page.close();
    });
  }
});

describe("everybody can use it", () => {
  for (const [width, scheme] of [[320, "light"], [375, "dark"], [768, "light"], [1280, "dark"], [1280, "light"]]) {
    test(`${width} pixels wide, ${scheme}`, async () => {
      const page = await open();
      await page.setViewport({ width, height: 800, isMobile: width < 600, hasTouch: width < 600 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      for (let example = 0; example < EXAMPLES; example += 1) {
        await page.select("#example", String(example));
        await page.waitForSelector(".steps");
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `example ${example} is ${wide} pixels too wide`);
      }
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => axe.run());
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(" ")}`);
      assert.deepEqual(told, []);
      await page.close();
    });
  }

  test("with the keyboard alone", async () => {
    const page = await open();
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.evaluate(() => document.activeElement.id), "tab-log");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "line");
    await page.keyboard.type("rejected reason=route-unknown: the registry has no such route");
    await page.waitForSelector(".banner.reject");
    const live = await page.$eval("#verdict", (verdict) => [verdict.getAttribute("aria-live"), verdict.innerText]);
    assert.equal(live[0], "polite");
    assert.match(live[1], /Rejected route-unknown/);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".banner.welcome");
    await page.close();
  });
});

test("edgectl explain --web serves the same page until it is told to stop", async () => {
  const edgectl = spawn(process.env.EDGECTL, ["explain", "--web"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => edgectl.on("exit", resolve));
  const [line] = await edgectl.stdout.take(1).toArray();
  const address = line.toString().trim();
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const response = await fetch(address);
  assert.match(response.headers.get("content-security-policy"), /connect-src 'none'.*frame-ancestors 'none'/);
  assert.equal((await fetch(`${address}other`)).status, 404);
  const page = await open(address);
  await page.select("#example", "0");
  await page.waitForSelector(".banner.forward");
  assert.deepEqual(page.requests, [address]);
  assert.deepEqual(page.faults, []);
  await page.close();
  edgectl.kill("SIGINT");
  assert.equal(await ended, 0);
});
