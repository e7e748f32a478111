//! Why an effect was not begun. A guest gets one sentence, because a fault names files, programs and what they said, which is
//! nothing that a plugin or an agent should learn of the machine; the operator gets the whole.

use crate::ProviderFault;
use interlock_authority::Resource;
use std::sync::OnceLock;

/// Who is told.
type Operator = fn(&Resource, &ProviderFault);

static OPERATOR: OnceLock<Operator> = OnceLock::new();

/// Says where operators of this process are told why an effect was not begun. The first one stays.
pub fn tell_operator(operator: Operator) {
    let _the_first_stays = OPERATOR.set(operator);
}

/// Tells the operator of a fault that kept an effect from being begun; the sentence is for everybody else.
pub(crate) fn not_begun(resource: &Resource, fault: &ProviderFault) -> &'static str {
    if let Some(operator) = OPERATOR.get() {
        operator(resource, fault);
    }
    "the host could not begin it; its log says why"
}
