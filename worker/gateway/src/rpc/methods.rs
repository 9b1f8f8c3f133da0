//! Every method of JSON-RPC, in one table: registration and the document of OpenRPC are made of it.

use crate::params::{Kind, Param};
use serde_json::{Value, json};

/// Which method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodId {
    /// `assay_models`
    Models,
    /// `assay_workers`
    Workers,
    /// `assay_quote`
    Quote,
    /// `assay_account`
    Account,
    /// `assay_submitJob`
    SubmitJob,
    /// `assay_status`
    Status,
    /// `assay_result`
    Outcome,
    /// `assay_receipt`
    Receipt,
    /// `assay_verify`
    Verify,
    /// `assay_jobs`
    Jobs,
    /// `assay_sessions`
    Sessions,
    /// `assay_disputes`
    Disputes,
    /// `assay_money`
    Money,
    /// `assay_network`
    Network,
}

/// A method.
#[derive(Clone, Copy, Debug)]
pub struct MethodInfo {
    /// Which one.
    pub id: MethodId,
    /// Its name.
    pub name: &'static str,
    /// Summary of the method.
    pub summary: &'static str,
    /// Its parameters, in order.
    pub params: &'static [Param],
    /// Result of the method.
    pub result: &'static str,
}

/// Begins a subscription to a job.
pub const SUBSCRIBE_JOB: &str = "assay_subscribeJob";
/// Notifies of a job.
pub const JOB: &str = "assay_job";
/// Ends a subscription to a job.
pub const UNSUBSCRIBE_JOB: &str = "assay_unsubscribeJob";
/// Begins a subscription to a session.
pub const SUBSCRIBE_SESSION: &str = "assay_subscribeSession";
/// Notifies of a session.
pub const SESSION: &str = "assay_session";
/// Ends a subscription to a session.
pub const UNSUBSCRIBE_SESSION: &str = "assay_unsubscribeSession";
/// Gives the document.
pub const DISCOVER: &str = "rpc.discover";

const fn needed(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param {
        name,
        kind,
        doc,
        required: true,
    }
}

const MODEL: Param = needed("model", Kind::Text, "Name of a model.");
/// The parameter of methods about one job.
pub const JOB_PARAMS: &[Param] = &[needed("job", Kind::Text, "Number of the job, as a string.")];
/// The parameter of a subscription to a session.
pub const SESSION_PARAMS: &[Param] = &[needed("session", Kind::Text, "Number of the session, as a string.")];
const TOKENS: Kind = Kind::Integer {
    min: 0,
    max: u32::MAX as i64,
};

/// Every method but those of subscriptions.
pub const METHODS: &[MethodInfo] = &[
    MethodInfo {
        id: MethodId::Models,
        name: "assay_models",
        summary: "Lists the models with their prices.",
        params: &[],
        result: "A list of models, as GET /v1/models describes them.",
    },
    MethodInfo {
        id: MethodId::Workers,
        name: "assay_workers",
        summary: "Lists who offers what.",
        params: &[Param {
            required: false,
            ..needed("model", Kind::Text, "Name of a model, for its workers only.")
        }],
        result: "A list of offers: worker, model, price, capacity and stake.",
    },
    MethodInfo {
        id: MethodId::Quote,
        name: "assay_quote",
        summary: "Says the maximum that a request can cost.",
        params: &[
            MODEL,
            needed("prompt_tokens", TOKENS, "Tokens of the prompt."),
            needed("max_tokens", TOKENS, "Maximum number of tokens of the answer."),
        ],
        result: "The maximum price and its currency.",
    },
    MethodInfo {
        id: MethodId::Account,
        name: "assay_account",
        summary: "Says what is left on the key that asks.",
        params: &[],
        result: "Balance, what is reserved, and what was spent today; on an open gateway, the operator's money.",
    },
    MethodInfo {
        id: MethodId::SubmitJob,
        name: "assay_submitJob",
        summary: "Submits a job. Its ceiling is set aside on the key until the job is closed.",
        params: &[
            MODEL,
            needed(
                "input",
                Kind::Form(anything),
                "The input: a text, or numbers, as the model takes it.",
            ),
            needed("ceiling", Kind::Text, "The maximum that it may cost, such as 0.5."),
        ],
        result: "The job's status.",
    },
    MethodInfo {
        id: MethodId::Status,
        name: "assay_status",
        summary: "Says how far a job is.",
        params: JOB_PARAMS,
        result: "The job's status: id, phase, closed, worker, paid.",
    },
    MethodInfo {
        id: MethodId::Outcome,
        name: "assay_result",
        summary: "Gives what a job gave.",
        params: JOB_PARAMS,
        result: "The result; null as long as nothing is claimed.",
    },
    MethodInfo {
        id: MethodId::Receipt,
        name: "assay_receipt",
        summary: "Gives a receipt by the name that an answer's `assay` object has.",
        params: &[needed("receipt", Kind::Text, "Name of the receipt.")],
        result: "The receipt.",
    },
    MethodInfo {
        id: MethodId::Verify,
        name: "assay_verify",
        summary: "Checks a receipt anew. It is better checked without the gateway, by `assay-worker verify`.",
        params: &[needed("receipt", Kind::Form(anything), "The receipt.")],
        result: "Whether it is valid, and each thing that was looked at.",
    },
    look(
        MethodId::Jobs,
        "assay_jobs",
        "Lists the open jobs of the gateway's account, and closed ones that it knows.",
        "A list of statuses, as assay_status gives them.",
    ),
    look(
        MethodId::Sessions,
        "assay_sessions",
        "Lists the sessions of the gateway's account.",
        "A list of sessions: id, worker, model, phase, budget, redeemed, locked, until.",
    ),
    look(
        MethodId::Disputes,
        "assay_disputes",
        "Lists disputes, and how far the disagreement in each game is narrowed down.",
        "A list of disputes with their games: graph, operator, tensor, chunk and element, as far as they are known.",
    ),
    look(
        MethodId::Money,
        "assay_money",
        "Says where the money of the gateway's account is held.",
        "The account, what is free, and its holds with their reasons.",
    ),
    look(
        MethodId::Network,
        "assay_network",
        "Describes the node and the workers' network.",
        "Address, genesis, final and best block, moment, and the workers' peers.",
    ),
];

/// A method without parameters for something to look at; a gateway that cannot show it answers with the code not_shown.
const fn look(id: MethodId, name: &'static str, summary: &'static str, result: &'static str) -> MethodInfo {
    MethodInfo {
        id,
        name,
        summary,
        params: &[],
        result,
    }
}

fn anything() -> Value {
    json!(true)
}

/// The document, in OpenRPC 1.3.
pub fn openrpc_document() -> Value {
    let param = |param: &Param| {
        json!({
            "name": param.name,
            "summary": param.doc,
            "required": param.required,
            "schema": param.kind.schema(),
        })
    };
    let method = |name: &str, summary: &str, params: &[Param], result: &str| {
        json!({
            "name": name,
            "summary": summary,
            "paramStructure": "either",
            "params": params.iter().map(param).collect::<Vec<_>>(),
            "result": { "name": "result", "summary": result, "schema": true },
        })
    };
    let mut methods: Vec<Value> = METHODS
        .iter()
        .map(|info| method(info.name, info.summary, info.params, info.result))
        .collect();
    methods.push(method(
        SUBSCRIBE_JOB,
        "Notifies by assay_job of a job's status now and after every change, until it is closed. Over WebSocket only.",
        JOB_PARAMS,
        "Number of the subscription, for assay_unsubscribeJob.",
    ));
    methods.push(method(
        SUBSCRIBE_SESSION,
        "Notifies by assay_session of a session of the gateway's account now and after every change, until its phase is \
         Over. Over WebSocket only.",
        SESSION_PARAMS,
        "Number of the subscription, for assay_unsubscribeSession.",
    ));
    let subscription = [needed("subscription", Kind::Text, "Number of the subscription.")];
    for name in [UNSUBSCRIBE_JOB, UNSUBSCRIBE_SESSION] {
        methods.push(method(
            name,
            "Ends a subscription.",
            &subscription,
            "Whether there was one.",
        ));
    }
    methods.push(method(DISCOVER, "Gives this document.", &[], "The document."));
    json!({
        "openrpc": "1.3.2",
        "info": { "title": "Assay gateway", "version": env!("CARGO_PKG_VERSION") },
        "methods": methods,
    })
}
