//! What ought to happen, in few words: written from what the design says of requests, people, tickets, budgets and
//! crashes, and with none of the host's code. It has no database, no signatures and no plugin; a crash is where
//! it stops.

use super::op::*;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const TTL: u64 = 600;
pub(crate) const TTL_DESTROY: u64 = 300;
pub(crate) const COOLING: u64 = 60;
/// Requests of one asker, and effects under a budget, in ten minutes.
pub(crate) const REQUESTS: usize = 3;
pub(crate) const BUDGET: usize = 2;
const WINDOW: u64 = 600_000;

#[derive(Debug)]
struct Asked {
    asker: Asker,
    tool: Tool,
    effects: Vec<(&'static str, u64)>,
    rules: Rules,
    expires: u64,
    signed: BTreeSet<&'static str>,
    ended: Option<&'static str>,
    revoked: bool,
}

/// What is true of a deployment.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    now: u64,
    rules: Rules,
    frozen: bool,
    sour: bool,
    revisions: BTreeMap<&'static str, u64>,
    requests: Vec<Asked>,
    charged: Vec<(Asker, u64)>,
    asked: Vec<(Asker, u64)>,
    turned_down: BTreeMap<Asker, u64>,
    /// Effects that happened, ever.
    pub(crate) performed: u64,
    /// What the journal must have, by kind.
    pub(crate) told: BTreeMap<&'static str, u64>,
}

/// What is told where all went its way, and where it did not.
type Told = Result<String, String>;

fn refuse(holds: bool, why: &str) -> Result<(), String> {
    if holds { Err(why.to_owned()) } else { Ok(()) }
}

/// How many of an asker are in the window.
fn recent(all: &[(Asker, u64)], asker: Asker, now: u64) -> usize {
    all.iter().filter(|(who, at)| *who == asker && at + WINDOW > now).count()
}

impl Asked {
    fn of_ops(&self) -> bool {
        self.rules.policy == Policy::OneOfOps && self.tool != Tool::Wipe
    }

    /// Whether enough people signed who are on the roster today.
    fn met(&self, noor: bool) -> bool {
        let here = |person: &&&str| noor || **person != "noor";
        self.signed.iter().filter(here).count() >= if self.of_ops() { 1 } else { 2 }
    }

    fn state(&self, now: u64, noor: bool) -> &'static str {
        match self.ended {
            Some(ended) => ended,
            None if now >= self.expires => "expired",
            None if self.met(noor) => "approved",
            None => "pending",
        }
    }
}

impl Reference {
    pub(crate) fn new(rules: Rules, now: u64) -> Self {
        Self { now, rules, ..Self::default() }
    }

    /// The state of each request, oldest first.
    pub(crate) fn states(&self) -> Vec<&'static str> {
        self.requests.iter().map(|r| r.state(self.now, self.rules.noor)).collect()
    }

    fn tell(&mut self, kind: &'static str) {
        *self.told.entry(kind).or_default() += 1;
    }

    /// Does one thing, and says what whoever did it is told.
    pub(crate) fn step(&mut self, op: Op) -> String {
        match op {
            Op::Call(asker, tool, during) => self.call(asker, tool, during),
            Op::Plan(_, tool) => {
                self.admitted(tool).map(|()| format!("planned {}", self.plan(tool).len()))
            }
            Op::Approved(asker, tool) => {
                let called = self.step(Op::Call(asker, tool, None));
                Ok(called + " | " + &self.step(Op::SignAll(Ago::NEWEST)))
            }
            Op::Apply(ago, during) => self.apply(ago, None, during),
            Op::ApplyAs(ago, asker, tool) => self.apply(ago, Some((asker, tool)), None),
            Op::Race(ago) => {
                let mut both = [(); 2].map(|()| self.step(Op::Apply(ago, None)));
                both.sort();
                Ok(both.join(" | "))
            }
            Op::Sign(ago, key) => self.sign(ago, key, true),
            Op::SignOther(ago, key) => self.sign(ago, key, false),
            Op::SignAll(ago) => {
                let all = [Key::Amira, Key::Li, Key::Zoe, Key::Noor];
                Ok(all.map(|key| self.step(Op::Sign(ago, key))).join(" | "))
            }
            Op::Deny(ago) => self.end(ago, "denied", "denial", None),
            Op::Revoke(ago) => self.end(ago, "revoked", "revocation", None),
            Op::Withdraw(ago, asker) => self.end(ago, "revoked", "revocation", Some(asker)),
            quiet => {
                self.quietly(quiet);
                Ok(String::new())
            }
        }
        .unwrap_or_else(|refused| refused)
    }

    /// Does what nobody is told of.
    fn quietly(&mut self, op: Op) {
        match op {
            Op::Wait(seconds) => self.now += u64::from(seconds) * 1000,
            Op::WaitFor(ago) => {
                let ends = self.find(ago).map_or(0, |at| self.requests[at].expires);
                self.now = self.now.max(ends);
            }
            Op::Policy(policy) => self.rules.policy = policy,
            Op::Grant(grants) => self.rules.grants = grants,
            Op::Roster(noor) => self.rules.noor = noor,
            Op::Install(build) => self.rules.build = build,
            Op::Freeze => self.frozen = true,
            Op::Thaw => self.frozen = false,
            Op::Touch => self.advance("k"),
            Op::Sour(sour) => self.sour = sour,
            // A clock that is set back revives nothing, and what was written survives.
            _ => {}
        }
    }

    /// A revision advances with every effect on its resource, below it, and above it.
    fn advance(&mut self, key: &'static str) {
        let with: &[_] = match key {
            "cluster" => &["cluster", "k", "z"],
            "other" => &["other"],
            "z" => &["cluster", "z"],
            _ => &["cluster", "k"],
        };
        with.iter().for_each(|key| *self.revisions.entry(key).or_default() += 1);
    }

    fn revision(&self, key: &str) -> u64 {
        self.revisions.get(key).copied().unwrap_or_default()
    }

    fn find(&self, ago: Ago) -> Result<usize, String> {
        ago.of(self.requests.len()).ok_or_else(|| "request-unknown".to_owned())
    }

    fn admitted(&self, tool: Tool) -> Result<(), String> {
        let too_little = self.rules.grants == Grants::TooLittle && tool.plugin() == "caller";
        refuse(too_little, "not-granted")
    }

    fn granted(&self, key: &str) -> bool {
        key == "cluster" || (key == "other") == (self.rules.grants == Grants::OtherCluster)
    }

    /// The rules that a request for this tool is bound to: grants and bytes are the plugin's own.
    fn bound(&self, tool: Tool) -> Rules {
        match tool.plugin() {
            "caller" => self.rules,
            _ => Rules { grants: Grants::Cluster, build: 0, ..self.rules },
        }
    }

    /// The effects that a tool would have, with the revisions of now.
    fn plan(&self, tool: Tool) -> Vec<(&'static str, u64)> {
        let effects = tool.effects(self.sour).into_iter().filter(|key| self.granted(key));
        effects.map(|key| (key, self.revision(key))).collect()
    }

    /// What a policy leaves to nobody happens; else people are asked, once for the same thing, and not too often.
    fn call(&mut self, asker: Asker, tool: Tool, during: During) -> Told {
        self.admitted(tool)?;
        let (effects, rules) = (self.plan(tool), self.bound(tool));
        if effects.is_empty() || (rules.policy == Policy::Nobody && tool != Tool::Wipe) {
            return self.run(asker, tool, None, during);
        }
        let same = |r: &Asked| {
            (r.asker, r.tool, &r.effects, r.rules) == (asker, tool, &effects, rules)
                && ["pending", "approved"].contains(&r.state(self.now, self.rules.noor))
        };
        if let Some(at) = self.requests.iter().rposition(same) {
            return Ok(format!("approval-required {at}"));
        }
        let cools = |at: &u64| at / 1000 + COOLING > self.now / 1000;
        refuse(self.turned_down.get(&asker).is_some_and(cools), "cooling-down")?;
        refuse(recent(&self.asked, asker, self.now) >= REQUESTS, "rate-limited")?;
        self.asked.push((asker, self.now));
        self.tell("request");
        let ttl = if tool == Tool::Wipe { TTL_DESTROY } else { TTL };
        let expires = (self.now / 1000 + ttl) * 1000;
        let (signed, ended) = (BTreeSet::new(), None);
        let asked = Asked { asker, tool, effects, rules, expires, signed, ended, revoked: false };
        self.requests.push(asked);
        Ok(format!("approval-required {}", self.requests.len() - 1))
    }

    /// A request of other rules is no good to anybody.
    fn same_rules(&self, at: usize) -> Result<(), String> {
        let (then, now) = (self.requests[at].rules, self.bound(self.requests[at].tool));
        refuse(then.policy != now.policy, "epoch-policies")?;
        refuse(then.noor != now.noor, "epoch-approvers")?;
        refuse(then.grants != now.grants, "epoch-grants")
    }

    /// Neither is one that is over.
    fn open(&self, at: usize) -> Result<(), String> {
        let state = self.requests[at].state(self.now, self.rules.noor);
        refuse(!["pending", "approved"].contains(&state), &format!("request-{state}"))
    }

    /// What was approved is claimed by one run: of who asked, for the same call, the same bytes and the same rules.
    fn apply(&mut self, ago: Ago, by: Option<(Asker, Tool)>, during: During) -> Told {
        let own = self.find(ago).map(|at| (self.requests[at].asker, self.requests[at].tool));
        let (asker, tool) = by.map_or(own, Ok)?;
        self.admitted(tool)?;
        let at = self.find(ago)?;
        let asked = &self.requests[at];
        refuse(asked.asker != asker, "foreign-principal")?;
        refuse(asked.tool.plugin() != tool.plugin(), "different-call")?;
        refuse(asked.rules.build != self.bound(tool).build, "plugin-changed")?;
        self.same_rules(at)?;
        refuse(asked.tool != tool, "different-call")?;
        self.open(at)?;
        refuse(!asked.met(self.rules.noor), &format!("approval-required {at}"))?;
        self.requests[at].ended = Some("consumed");
        self.tell("claim");
        self.run(asker, tool, Some(at), during)
    }

    /// One run: each effect is granted, not stopped, the next of its plan, in time, not taken back, within its budget,
    /// written down, as it was foreseen, and then it happens and that is written down.
    fn run(
        &mut self,
        asker: Asker,
        tool: Tool,
        request: Option<usize>,
        mut during: During,
    ) -> Told {
        let (mut denied, mut own) = (BTreeSet::new(), BTreeMap::new());
        let mut tickets = request.map(|at| self.requests[at].effects.clone().into_iter());
        let effects = tool.effects(self.sour);
        if request.is_some() && tool == Tool::Seen {
            self.meanwhile(At::Reading, request, &mut during)?;
        }
        for key in effects {
            if !self.granted(key) {
                denied.insert("outside-grant");
                continue;
            }
            if self.frozen {
                // What has no word for a denial ends there.
                refuse(tool == Tool::Wipe, "frozen")?;
                denied.insert("frozen");
                continue;
            }
            let mut expected = None;
            if let (Some(at), Some(tickets)) = (request, &mut tickets) {
                let next = tickets.next().filter(|(next, _)| *next == key);
                let (_, foreseen) = next.ok_or_else(|| "deviated".to_owned())?;
                expected = Some(own.get(key).copied().unwrap_or(foreseen));
                refuse(self.now >= self.requests[at].expires, "request-expired")?;
                refuse(self.requests[at].revoked, "request-revoked")?;
            }
            if self.rules.grants == Grants::Budgeted && tool != Tool::Wipe {
                if recent(&self.charged, asker, self.now) >= BUDGET {
                    refuse(request.is_some(), "over-budget")?;
                    denied.insert("over-budget");
                    continue;
                }
                self.charged.push((asker, self.now));
            }
            let expected = expected.unwrap_or_else(|| self.revision(key));
            self.tell("intent");
            self.meanwhile(At::Starting, request, &mut during)?;
            if self.frozen || expected != self.revision(key) {
                self.tell("outcome");
                refuse(self.frozen && tool == Tool::Wipe, "frozen")?;
                refuse(!self.frozen && request.is_some(), "stale")?;
                denied.extend(self.frozen.then_some("frozen"));
                continue;
            }
            self.performed += 1;
            self.advance(key);
            own.insert(key, self.revision(key));
            self.meanwhile(At::Performed, request, &mut during)?;
            self.tell("outcome");
        }
        Ok(format!("done {denied:?}"))
    }

    /// What happens within a run, the first time that it comes to that moment.
    fn meanwhile(
        &mut self,
        at: At,
        request: Option<usize>,
        during: &mut During,
    ) -> Result<(), String> {
        let Some((_, what)) = during.take_if(|(when, _)| *when == at) else { return Ok(()) };
        match (what, request) {
            (Meanwhile::Crash, _) => return Err("crashed".to_owned()),
            (Meanwhile::Expiry, Some(at)) => self.now = self.now.max(self.requests[at].expires),
            (Meanwhile::Freeze, _) => self.frozen = true,
            (Meanwhile::Touch, _) => self.advance("k"),
            (Meanwhile::Revoke, Some(request)) => {
                self.requests[request].revoked = true;
                self.tell("revocation");
            }
            (Meanwhile::Expiry | Meanwhile::Revoke, None) => {}
        }
        Ok(())
    }

    /// A signature counts where it is of this document, of the roster, and of somebody who neither asked, nor operates
    /// who asked, nor published what would run; a person counts once.
    fn sign(&mut self, ago: Ago, key: Key, right: bool) -> Told {
        let at = self.find(ago)?;
        self.same_rules(at)?;
        self.open(at)?;
        let (noor, asked) = (self.rules.noor, &mut self.requests[at]);
        refuse(key == Key::Stranger || key == Key::Noor && !noor, "unknown-key")?;
        refuse(!right, "bad-signature")?;
        let person = match key {
            Key::Amira | Key::AmirasOther => "amira",
            Key::Li => "li",
            Key::Zoe => "zoe",
            Key::Noor | Key::Stranger => "noor",
        };
        refuse(person == "amira" && asked.asker == Asker::Amira, "asker-cannot-approve")?;
        refuse(person == "zoe" && asked.asker == Asker::Bot, "operator-cannot-approve")?;
        refuse(person == "li" && asked.tool == Tool::Wipe, "publisher-cannot-approve")?;
        refuse(asked.signed.contains(person), "already-approved")?;
        refuse(asked.of_ops() && !["amira", "zoe"].contains(&person), "not-in-a-group")?;
        asked.signed.insert(person);
        let met = asked.met(noor);
        self.tell("approval");
        Ok(format!("signed {met}"))
    }

    /// A request is denied, revoked or withdrawn. What a run has claimed can still be revoked by people: the rest of it
    /// does not happen then.
    fn end(
        &mut self,
        ago: Ago,
        word: &'static str,
        kind: &'static str,
        own: Option<Asker>,
    ) -> Told {
        let at = self.find(ago)?;
        let asked = &self.requests[at];
        refuse(own.is_some_and(|asker| asker != asked.asker), "request-unknown")?;
        if word == "revoked" && own.is_none() && asked.ended == Some("consumed") {
            refuse(asked.revoked, "request-revoked")?;
        } else {
            self.open(at)?;
        }
        let asked = &mut self.requests[at];
        asked.revoked |= word == "revoked";
        asked.ended.get_or_insert(word);
        if word == "denied" {
            self.turned_down.insert(asked.asker, self.now);
        }
        self.tell(kind);
        Ok("ok".to_owned())
    }
}
