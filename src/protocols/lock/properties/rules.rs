//! The ways in which a lock can go wrong.

use crate::check::Rule;

pub(super) static INTERLEAVED: Rule = Rule::new(
    "interleaved",
    "{client} used what lock {lock} guards at {first} and again at {at}, both by {grant}, and in between, at {between}, {other} did so by \
     {by}",
);
pub(super) static OVERTAKEN: Rule = Rule::new(
    "overtaken",
    "{client} used what lock {lock} guards at {at} with token {token}, when {other} had done so with {highest}, at {before}",
);
pub(super) static TOKEN_SMALL: Rule = Rule::new(
    "token-too-small",
    "{client}, which asked at {since}, holds lock {lock} with token {token}, when {other} had held it before that with {highest}",
);
