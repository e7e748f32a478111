//! What may happen to a deployment, one thing at a time, and how a random sequence of it is made. Requests are named
//! by how long ago they were made, so that a sequence from which something was taken out still means something.

use proptest::{collection::vec, prelude::*};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asker {
    /// An agent, operated by zoe.
    Bot,
    /// A person, who may also sign: for others.
    Amira,
}

/// A tool, and by its name what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Reads.
    Look,
    /// Changes `k`.
    One,
    /// Changes `k`, then `z`, then `k` again.
    Three,
    /// Reads, and changes `k`, or `z` where what it read was no good.
    Seen,
    /// Changes a key of another cluster.
    Other,
    /// Destroys the cluster. A plugin of its own, which li published.
    Wipe,
}

impl Tool {
    /// The plugin that has it.
    pub(crate) const fn plugin(self) -> &'static str {
        if matches!(self, Self::Wipe) { "wiper" } else { "caller" }
    }

    /// What it changes, given whether what it reads is no good.
    pub(crate) fn effects(self, sour: bool) -> Vec<&'static str> {
        match self {
            Self::Look => vec![],
            Self::One => vec!["k"],
            Self::Three => vec!["k", "z", "k"],
            Self::Seen if sour => vec!["z"],
            Self::Seen => vec!["k"],
            Self::Other => vec!["other"],
            Self::Wipe => vec!["cluster"],
        }
    }
}

/// A key that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Amira,
    /// Another key of the same person.
    AmirasOther,
    Li,
    Zoe,
    /// On the roster until it is made shorter.
    Noor,
    /// On no roster.
    Stranger,
}

/// What policies ask of a change. To destroy always takes two people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Policy {
    #[default]
    TwoPeople,
    OneOfOps,
    Nobody,
}

/// What the plugin that changes was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Grants {
    #[default]
    Cluster,
    /// The same, twice in ten minutes.
    Budgeted,
    OtherCluster,
    /// Less than it imports.
    TooLittle,
}

/// What an operator keeps in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) grants: Grants,
    /// Noor is on the roster.
    pub(crate) noor: bool,
    /// Which build of the plugin is installed.
    pub(crate) build: u8,
}

/// A moment within a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// It reads, with the approval claimed and nothing done.
    Reading,
    /// An effect is about to happen, and its intent is on disk.
    Starting,
    /// An effect has happened, and nobody has written that down.
    Performed,
}

/// What happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// The host is gone, and another one starts on what was on disk.
    Crash,
    /// It is the last moment of the request.
    Expiry,
    Freeze,
    Revoke,
    /// Somebody else changes the key.
    Touch,
}

/// A request: 0 is the newest. Where there are fewer, it is counted round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ago(u8);

impl Ago {
    /// The newest.
    pub(crate) const NEWEST: Self = Self(0);

    /// Its place among so many, which none has where there are none.
    pub(crate) fn of(self, many: usize) -> Option<usize> {
        many.checked_sub(1 + usize::from(self.0).checked_rem(many)?)
    }
}

/// What happens in a run, once.
pub(crate) type During = Option<(At, Meanwhile)>;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Call(Asker, Tool, During),
    Plan(Asker, Tool),
    /// Somebody calls, and then everybody signs the newest request.
    Approved(Asker, Tool),
    /// Whoever asked calls again with the request.
    Apply(Ago, During),
    /// Somebody, with some tool.
    ApplyAs(Ago, Asker, Tool),
    /// Two calls at the same time.
    Race(Ago),
    Sign(Ago, Key),
    /// A signature of another document.
    SignOther(Ago, Key),
    /// Everybody signs, one after the other.
    SignAll(Ago),
    Deny(Ago),
    Revoke(Ago),
    Withdraw(Ago, Asker),
    Wait(u16),
    /// Until the last second of a request is over.
    WaitFor(Ago),
    ClockBack,
    Policy(Policy),
    Grant(Grants),
    Roster(bool),
    Install(u8),
    Freeze,
    Thaw,
    Touch,
    Sour(bool),
    Restart,
    Crash,
}

fn asker() -> impl Strategy<Value = Asker> {
    prop_oneof![2 => Just(Asker::Bot), 1 => Just(Asker::Amira)]
}

fn tool() -> impl Strategy<Value = Tool> {
    prop_oneof![
        3 => Just(Tool::One), 4 => Just(Tool::Three), 3 => Just(Tool::Seen), 1 => Just(Tool::Look),
        1 => Just(Tool::Other), 3 => Just(Tool::Wipe)
    ]
}

fn ago() -> impl Strategy<Value = Ago> {
    prop_oneof![6 => Just(0), 2 => Just(1), 1 => Just(2)].prop_map(Ago)
}

fn key() -> impl Strategy<Value = Key> {
    prop::sample::select(vec![
        Key::Amira,
        Key::AmirasOther,
        Key::Li,
        Key::Zoe,
        Key::Noor,
        Key::Stranger,
    ])
}

fn during() -> impl Strategy<Value = During> {
    let at = prop::sample::select(vec![At::Starting, At::Performed, At::Reading]);
    let what = prop_oneof![
        3 => Just(Meanwhile::Crash), 1 => Just(Meanwhile::Expiry), 1 => Just(Meanwhile::Freeze),
        2 => Just(Meanwhile::Revoke), 1 => Just(Meanwhile::Touch)
    ];
    prop_oneof![1 => Just(None), 1 => (at, what).prop_map(Some)]
}

fn grants() -> impl Strategy<Value = Grants> {
    prop_oneof![
        3 => Just(Grants::Cluster), 3 => Just(Grants::Budgeted), 1 => Just(Grants::OtherCluster),
        1 => Just(Grants::TooLittle)
    ]
}

/// The rules that a sequence begins with.
pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let policy = prop_oneof![3 => Just(Policy::TwoPeople), 2 => Just(Policy::OneOfOps), 1 => Just(Policy::Nobody)];
    let grants = prop_oneof![2 => Just(Grants::Cluster), 1 => Just(Grants::Budgeted)];
    (policy, grants).prop_map(|(policy, grants)| Rules { policy, grants, noor: true, build: 0 })
}

fn op() -> impl Strategy<Value = Op> {
    let policy = prop::sample::select(vec![Policy::TwoPeople, Policy::OneOfOps, Policy::Nobody]);
    let asking = prop_oneof![
        9 => (asker(), tool(), during()).prop_map(|(a, t, d)| Op::Call(a, t, d)),
        8 => (asker(), tool()).prop_map(|(a, t)| Op::Approved(a, t)),
        1 => (asker(), tool()).prop_map(|(a, t)| Op::Plan(a, t)),
        14 => (ago(), during()).prop_map(|(r, d)| Op::Apply(r, d)),
        2 => (ago(), asker(), tool()).prop_map(|(r, a, t)| Op::ApplyAs(r, a, t)),
        3 => ago().prop_map(Op::Race),
    ];
    let people = prop_oneof![
        12 => (ago(), key()).prop_map(|(r, k)| Op::Sign(r, k)),
        1 => (ago(), key()).prop_map(|(r, k)| Op::SignOther(r, k)),
        5 => ago().prop_map(Op::SignAll),
        1 => ago().prop_map(Op::Deny),
        2 => ago().prop_map(Op::Revoke),
        1 => (ago(), asker()).prop_map(|(r, a)| Op::Withdraw(r, a)),
    ];
    let time = prop_oneof![
        2 => prop::sample::select(vec![1u16, 59, 60, 299, 600]).prop_map(Op::Wait),
        1 => ago().prop_map(Op::WaitFor),
        1 => Just(Op::ClockBack),
    ];
    let operator = prop_oneof![
        1 => policy.prop_map(Op::Policy),
        1 => grants().prop_map(Op::Grant),
        1 => any::<bool>().prop_map(Op::Roster),
        1 => (0u8..2).prop_map(Op::Install),
        1 => Just(Op::Freeze),
        2 => Just(Op::Thaw),
        1 => Just(Op::Restart),
        1 => Just(Op::Crash),
    ];
    let world = prop_oneof![Just(Op::Touch), any::<bool>().prop_map(Op::Sour), Just(Op::Touch)];
    prop_oneof![16 => asking, 8 => people, 2 => time, 3 => operator, 2 => world]
}

/// A sequence.
pub(crate) fn sequence() -> impl Strategy<Value = (Rules, Vec<Op>)> {
    (rules(), vec(op(), 1..28))
}
