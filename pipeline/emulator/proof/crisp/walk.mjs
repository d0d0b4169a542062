// Crisp's own Node client walks the whole stand-in and compares what it saw with what the
// stand-in says it holds. Exit code 1 on any difference.
//
//   node walk.mjs [origin]        default http://127.0.0.1:8701

import { Crisp } from "crisp-api";

const origin = process.argv[2] ?? "http://127.0.0.1:8701";
const websiteId = process.env.CRISP_WEBSITE_ID ?? "47eaa099-2cb6-416d-86dc-283cf0480ff9";
const identifier = process.env.CRISP_IDENTIFIER ?? "6f0d5c1e-93a4-4b57-8d2e-1c7a40b9e3f5";
const key = process.env.CRISP_KEY ?? "demo-key-that-opens-nothing-but-the-emulator";
const pagesMax = 10_000;

const client = new Crisp();
client.setRestHost(origin);
client.setTier("plugin");
client.authenticate(identifier, key);

// Reads numbered pages until an empty one.
async function pages(read) {
  const rows = [];
  for (let page = 1; page <= pagesMax; page += 1) {
    const found = await read(page);
    if (found.length === 0) {
      return rows;
    }
    rows.push(...found);
  }
  throw new Error("a list does not end");
}

// The client hides status 206, so the walk ends when a page brings nothing new. Asking for one
// millisecond more than the oldest message loses nothing when several share a millisecond.
async function messages(sessionId) {
  const byFingerprint = new Map();
  let before;
  for (let page = 1; page <= pagesMax; page += 1) {
    const found = await client.website.getMessagesInConversation(websiteId, sessionId, before);
    const known = byFingerprint.size;
    for (const message of found) {
      byFingerprint.set(message.fingerprint, message);
    }
    if (byFingerprint.size === known) {
      return [...byFingerprint.values()];
    }
    before = found[0].timestamp + 1;
  }
  throw new Error("a conversation does not end");
}

// What the call gives, or nothing when the object is gone.
async function orMissing(call) {
  try {
    return await call;
  } catch (error) {
    if (error.code === 404) {
      return null;
    }
    throw error;
  }
}

async function walkConversations(seen) {
  const options = { per_page: 50, order_date_created: 1, include_empty: 1 };
  const list = await pages((page) => client.website.listConversations(websiteId, page, options));
  for (const { session_id: sessionId } of list) {
    seen.sessions.add(sessionId);
    const found = await messages(sessionId);
    seen.messages += found.length;
    seen.started += found.length > 0 ? 1 : 0;
    const uploads = found.filter(({ type }) => type === "file" || type === "audio");
    const files = await pages(
      (page) => client.website.listConversationFiles(websiteId, sessionId, page)
    );
    seen.filesDiffer += files.length === uploads.length ? 0 : 1;
    for (const { original } of found) {
      if (original?.original_id) {
        const source = await orMissing(client.website.getOriginalMessageInConversation(
          websiteId, sessionId, original.original_id
        ));
        seen.originals += source === null ? 0 : 1;
        seen.originalsGone += source === null ? 1 : 0;
      }
    }
    const item = await client.website.getConversation(websiteId, sessionId);
    const state = await client.website.getConversationState(websiteId, sessionId);
    seen.statesDiffer += item.state === state.state ? 0 : 1;
  }
}

async function walkPeople(seen) {
  const list = await pages((page) => client.website.listPeopleProfiles(websiteId, page));
  for (const { people_id: peopleId, email } of list) {
    seen.people.add(peopleId);
    const { data } = await client.website.getPeopleData(websiteId, peopleId);
    seen.dataKeys += Object.keys(data).length;
    if (email) {
      const handle = encodeURIComponent(email.trim());
      const byEmail = await client.website.getPeopleProfile(websiteId, handle);
      const isSame = byEmail.email.trim().toLowerCase() === email.trim().toLowerCase();
      seen.emailsDiffer += isSame ? 0 : 1;
    }
  }
}

const seen = {
  sessions: new Set(), started: 0, messages: 0, originals: 0, originalsGone: 0,
  people: new Set(), dataKeys: 0, filesDiffer: 0, statesDiffer: 0, emailsDiffer: 0,
};
await walkConversations(seen);
await walkPeople(seen);
const operators = await client.website.listWebsiteOperators(websiteId);
const total = (await client.website.getPeopleStatistics(websiteId)).total;
const census = await pages(
  (page) => client.website.listSuggestedPeopleDataKeys(websiteId, page)
);
const { holdings, writes_attempted: writes } =
  await (await fetch(`${origin}/_emulator/counters`)).json();

const rows = [
  ["conversations", seen.sessions.size, holdings.conversations],
  ["conversations started", seen.started, holdings.conversations_started],
  ["messages", seen.messages, holdings.messages],
  ["originals", seen.originals, holdings.originals],
  ["people", seen.people.size, holdings.people],
  ["people by statistics", total, holdings.people],
  ["custom data keys", seen.dataKeys, census.reduce((sum, { count }) => sum + count, 0)],
  ["operators", operators.length, holdings.operators],
  ["conversations whose files differ", seen.filesDiffer, 0],
  ["conversations whose states differ", seen.statesDiffer, 0],
  ["people not found by e-mail", seen.emailsDiffer, 0],
  ["writes attempted", writes, 0],
];
let isEqual = seen.sessions.size > 0;
for (const [name, walked, held] of rows) {
  isEqual &&= walked === held;
  console.log(`${walked === held ? "equal " : "DIFFER"}  ${name}: ${walked} walked, ${held} held`);
}
console.log(`        originals that are gone: ${seen.originalsGone}`);
process.exit(isEqual ? 0 : 1);
