//! The lane: room that a block keeps for calls by which somebody loses money by not making them.
//!
//! FRAME gives a class to each kind of call, and operational calls have a quarter of each block to themselves. [`Lane`]
//! is the outermost transaction extension and chooses the class of each transaction anew, before any other extension
//! sees it:
//!
//! * A call that its signer may make now, and loses money by not making, is operational, whatever the pallet says. It
//!   goes before all others in the pool, and pays the lane's own fee multiplier
//!   ([`pallet_time::LaneMultiplier`]). Whether it is the signer's to make is a look at the record that the call is
//!   about: the job that the signer holds or whose output it owes, the game in which it is the signer's turn, the
//!   session whose last voucher the signer has, the claim that the signer audits.
//! * Any other signed call is ordinary, even one that FRAME calls operational, unless the superuser has signed it, or a
//!   member of the committee a call of the committee. Such calls fail for everybody else, and would take the lane's
//!   room. An authorised upgrade needs no signature.
//!
//! A call may come through a proxy. A batch is ordinary: whether its calls are legal depends on those ahead of them. So
//! nobody gets into the lane by wrapping a call.
//!
//! The lane cannot be filled by one party. Each move provides a tag of its own, so the pool holds one transaction for a
//! place of a game, a job or an award. Moves that fail pay as others do, and raise the lane's multiplier.
//!
//! `challenge` is not in the lane: any account could make it for any claim, so that it is nobody's turn in particular.
//! Its window does not run while blocks are full.

use crate::{
    AccountId, Audits, Disputes, Market, Proxy, Runtime, RuntimeCall, RuntimeOrigin, Sessions, TechnicalCommittee, Time,
};
use alloc::{vec, vec::Vec};
use assay_types::{ClaimId, JobId, SessionId, SlashId, dispute::Place};
use codec::{Decode, DecodeWithMemTracking, Encode};
use polkadot_sdk::{
    frame_support::{
        dispatch::{DispatchClass, DispatchInfo, PostDispatchInfo},
        traits::InstanceFilter,
        weights::{Weight, constants::RocksDbWeight},
    },
    frame_system, pallet_proxy, pallet_sudo,
    pallet_transaction_payment::NextFeeMultiplier,
    sp_runtime::{
        DispatchResult, MultiAddress,
        traits::{Implication, TransactionExtension, TransactionExtensionMetadata, ValidateResult, Zero},
        transaction_validity::{
            TransactionPriority, TransactionSource, TransactionTag, TransactionValidity, TransactionValidityError,
            ValidTransaction,
        },
    },
};
use scale_info::TypeInfo;

/// Priority of a transaction in the lane, before its tip: an ordinary one would need a tip of thousands of tokens.
pub const PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;
/// Claims or seals of one call up to which the call is looked into. More of them are ordinary: `assay-worker` sends as
/// few as this when deadlines are near.
pub const MAX_CLAIMS: usize = 8;
/// Prefix of the tags that moves provide.
const TAG: &[u8] = b"assay/lane";

/// Subject of a move. The pool holds one transaction of an account for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
enum Subject<'a> {
    /// A job that the account holds: it is sealed, claimed or declined.
    Job(JobId),
    /// The account's bid on a job.
    Bid(JobId),
    /// A place of which the account owes the statement.
    Statement(JobId, Place),
    /// The account's own game over a job.
    Game(JobId),
    /// The end of a challenger's game by its clock.
    Timeout(JobId, &'a AccountId),
    /// The award of a slash.
    Award(SlashId),
    /// The last voucher of a session that closes.
    Voucher(SessionId),
    /// The output that the account's client demands.
    Output(JobId),
    /// The account's answer to a claim that it audits.
    Answer(ClaimId),
}

/// Where a transaction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    class: DispatchClass,
    in_lane: bool,
}

impl Admission {
    /// The same information about a call, with the class that it was admitted in.
    fn info(&self, info: &DispatchInfo) -> DispatchInfo {
        DispatchInfo {
            class: self.class,
            ..*info
        }
    }
}

/// The extension around all others. It adds nothing to a transaction's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Lane<Inner>(pub Inner);

impl<Inner: TransactionExtension<RuntimeCall>> TransactionExtension<RuntimeCall> for Lane<Inner> {
    const IDENTIFIER: &'static str = "Lane<Use `metadata()`!>";
    type Implicit = Inner::Implicit;
    type Val = (Admission, Inner::Val);
    type Pre = (Admission, Inner::Pre);

    fn implicit(&self) -> Result<Self::Implicit, TransactionValidityError> {
        self.0.implicit()
    }

    /// Those of the others: a transaction says nothing to this one.
    fn metadata() -> Vec<TransactionExtensionMetadata> {
        Inner::metadata()
    }

    fn weight(&self, call: &RuntimeCall) -> Weight {
        looks(call).saturating_add(self.0.weight(call))
    }

    fn validate(
        &self,
        origin: RuntimeOrigin,
        call: &RuntimeCall,
        info: &DispatchInfo,
        len: usize,
        implicit: Self::Implicit,
        implication: &impl Implication,
        source: TransactionSource,
    ) -> ValidateResult<Self::Val, RuntimeCall> {
        let (admission, validity) = admit(&origin, call, info.class);
        let info = admission.info(info);
        let inner = || self.0.validate(origin, call, &info, len, implicit, implication, source);
        let (other, val, origin) = at_price_of(admission, inner)?;
        Ok((validity.combine_with(other), (admission, val), origin))
    }

    fn prepare(
        self,
        (admission, val): Self::Val,
        origin: &RuntimeOrigin,
        call: &RuntimeCall,
        info: &DispatchInfo,
        len: usize,
    ) -> Result<Self::Pre, TransactionValidityError> {
        let info = admission.info(info);
        let pre = at_price_of(admission, || self.0.prepare(val, origin, call, &info, len))?;
        Ok((admission, pre))
    }

    fn post_dispatch_details(
        (admission, pre): Self::Pre,
        info: &DispatchInfo,
        post_info: &PostDispatchInfo,
        len: usize,
        result: &DispatchResult,
    ) -> Result<Weight, TransactionValidityError> {
        let info = admission.info(info);
        at_price_of(admission, || {
            Inner::post_dispatch_details(pre, &info, post_info, len, result)
        })
    }

    fn bare_validate(call: &RuntimeCall, info: &DispatchInfo, len: usize) -> TransactionValidity {
        Inner::bare_validate(call, info, len)
    }

    fn bare_validate_and_prepare(
        call: &RuntimeCall,
        info: &DispatchInfo,
        len: usize,
    ) -> Result<(), TransactionValidityError> {
        Inner::bare_validate_and_prepare(call, info, len)
    }

    fn bare_post_dispatch(
        info: &DispatchInfo,
        post_info: &mut PostDispatchInfo,
        len: usize,
        result: &DispatchResult,
    ) -> Result<(), TransactionValidityError> {
        Inner::bare_post_dispatch(info, post_info, len, result)
    }
}

/// Chooses where a transaction goes, and what the pool is told of it.
fn admit(origin: &RuntimeOrigin, call: &RuntimeCall, class: DispatchClass) -> (Admission, ValidTransaction) {
    let ordinary = |class| (Admission { class, in_lane: false }, ValidTransaction::default());
    let Ok(signer) = frame_system::ensure_signed(origin.clone()) else {
        return ordinary(class);
    };
    match class {
        DispatchClass::Normal => match moves(&signer, call) {
            Some(provides) => {
                let admission = Admission {
                    class: DispatchClass::Operational,
                    in_lane: true,
                };
                let validity = ValidTransaction {
                    priority: PRIORITY,
                    provides,
                    ..ValidTransaction::default()
                };
                (admission, validity)
            }
            None => ordinary(class),
        },
        DispatchClass::Operational if !governs(&signer, call) => ordinary(DispatchClass::Normal),
        DispatchClass::Operational | DispatchClass::Mandatory => ordinary(class),
    }
}

/// Whether the account signs this call as the superuser or as a member of the committee.
fn governs(signer: &AccountId, call: &RuntimeCall) -> bool {
    match call {
        RuntimeCall::TechnicalCommittee(_) => TechnicalCommittee::is_member(signer),
        _ => pallet_sudo::Key::<Runtime>::get().as_ref() == Some(signer),
    }
}

/// The tags of a call that the account may make now, by itself or for another one, and that belongs in the lane.
fn moves(signer: &AccountId, call: &RuntimeCall) -> Option<Vec<TransactionTag>> {
    let RuntimeCall::Proxy(pallet_proxy::Call::proxy {
        real,
        force_proxy_type,
        call,
    }) = call
    else {
        return own_moves(signer, call);
    };
    let MultiAddress::Id(real) = real else {
        return None;
    };
    let proxy = Proxy::find_proxy(real, signer, *force_proxy_type).ok()?;
    (proxy.delay.is_zero() && proxy.proxy_type.filter(call))
        .then(|| own_moves(real, call))
        .flatten()
}

/// The tags of a call that the account may make now by itself.
fn own_moves(who: &AccountId, call: &RuntimeCall) -> Option<Vec<TransactionTag>> {
    match call {
        RuntimeCall::Market(pallet_market::Call::claim_batch { claims }) => {
            let all = !claims.is_empty()
                && claims.len() <= MAX_CLAIMS
                && claims.iter().all(|claim| Market::may_claim(who, claim.job));
            all.then(|| claims.iter().map(|claim| tag(who, Subject::Job(claim.job))).collect())
        }
        RuntimeCall::Market(pallet_market::Call::seal { seals }) => {
            let all = !seals.is_empty()
                && seals.len() <= MAX_CLAIMS
                && seals.iter().all(|seal| Market::may_seal(who, seal.job));
            all.then(|| seals.iter().map(|seal| tag(who, Subject::Job(seal.job))).collect())
        }
        RuntimeCall::Market(call) => market_move(who, call).map(|subject| vec![tag(who, subject)]),
        RuntimeCall::Disputes(call) => dispute_move(who, call).map(|subject| vec![tag(who, subject)]),
        RuntimeCall::Audits(call) => audit_move(who, call).map(|subject| vec![tag(who, subject)]),
        RuntimeCall::Sessions(pallet_sessions::Call::redeem { voucher }) => {
            let subject = Subject::Voucher(voucher.message.session);
            Sessions::may_redeem_now(who, voucher).then(|| vec![tag(who, subject)])
        }
        _ => None,
    }
}

fn market_move<'a>(who: &AccountId, call: &'a pallet_market::Call<Runtime>) -> Option<Subject<'a>> {
    use pallet_market::Call;
    match call {
        Call::claim { claim } => Market::may_claim(who, claim.job).then_some(Subject::Job(claim.job)),
        Call::decline { job } => Market::may_seal(who, *job).then_some(Subject::Job(*job)),
        Call::deliver_output { job, .. } => Market::may_deliver(who, *job).then_some(Subject::Output(*job)),
        Call::reveal_bid { job, .. } => Market::may_reveal_bid(who, *job).then_some(Subject::Bid(*job)),
        _ => None,
    }
}

fn audit_move<'a>(who: &AccountId, call: &'a pallet_audits::Call<Runtime>) -> Option<Subject<'a>> {
    use pallet_audits::Call;
    match call {
        Call::answer { claim, .. } => Audits::may_answer_now(who, *claim).then_some(Subject::Answer(*claim)),
        Call::open { claim, .. } => Audits::may_open_now(who, *claim).then_some(Subject::Answer(*claim)),
        _ => None,
    }
}

fn dispute_move<'a>(who: &AccountId, call: &'a pallet_disputes::Call<Runtime>) -> Option<Subject<'a>> {
    use pallet_disputes::Call;
    match call {
        Call::reveal { job, statement } => {
            let place = statement.place();
            Disputes::may_reveal(who, *job, place).then_some(Subject::Statement(*job, place))
        }
        Call::answer_late { job, statement } => {
            let place = statement.place();
            Disputes::may_answer_late(who, *job, place).then_some(Subject::Statement(*job, place))
        }
        Call::point { job, place, .. } => Disputes::may_point(who, *job, *place).then_some(Subject::Game(*job)),
        Call::prove { job, challenger, .. } if challenger == who => {
            Disputes::may_prove(who, *job).then_some(Subject::Game(*job))
        }
        Call::claim_timeout { job, challenger } => {
            Disputes::may_claim_timeout(who, *job, challenger).then_some(Subject::Timeout(*job, challenger))
        }
        Call::claim_award { slash, .. } => Disputes::may_claim_award(who, *slash).then_some(Subject::Award(*slash)),
        _ => None,
    }
}

fn tag(who: &AccountId, subject: Subject<'_>) -> TransactionTag {
    (TAG, who, subject).encode()
}

/// Computes what depends on fees. The fee pallet has one multiplier, so that of the lane takes its place meanwhile.
fn at_price_of<R>(admission: Admission, compute: impl FnOnce() -> R) -> R {
    if !admission.in_lane {
        return compute();
    }
    let ordinary = NextFeeMultiplier::<Runtime>::get();
    NextFeeMultiplier::<Runtime>::put(Time::lane_multiplier());
    let result = compute();
    NextFeeMultiplier::<Runtime>::put(ordinary);
    result
}

/// Weight of the looks at records that decide where a call goes. The call reads the same records, whose proof its own
/// weight counts. A call that is not looked into may have the superuser's key or the list of members read.
fn looks(call: &RuntimeCall) -> Weight {
    let records = |call: &RuntimeCall| match call {
        RuntimeCall::Market(pallet_market::Call::claim_batch { claims }) if claims.len() <= MAX_CLAIMS => {
            claims.len() as u64
        }
        RuntimeCall::Market(pallet_market::Call::seal { seals }) if seals.len() <= MAX_CLAIMS => seals.len() as u64,
        RuntimeCall::Market(pallet_market::Call::reveal_bid { .. }) => 2,
        _ => 1,
    };
    let reads = match call {
        RuntimeCall::Proxy(pallet_proxy::Call::proxy { call, .. }) => records(call).saturating_add(1),
        call => records(call),
    };
    RocksDbWeight::get().reads(reads)
}
