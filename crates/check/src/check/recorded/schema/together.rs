//! Objects that are read as a whole, as files have it: registers together, banks, sources of ids.

use std::collections::BTreeMap;

use super::{Call, Schema, done, given, held, keyless, whole};
use crate::check::model::bank::{Bank, BankOp, BankResult};
use crate::check::model::multi_register::{MultiRegister, RegisterAct};
use crate::check::model::unique_ids::{Generate, UniqueIds};
use crate::history::formats::Value;

/// Registers: `[[:read :x nil] [:write :y 2]]`, all at once, whatever `:f` says; it ends with the same, and what was read.
#[derive(Clone, Debug, Default)]
pub struct MultiRegisters {
    initial: BTreeMap<Value, Value>,
}

impl MultiRegisters {
    /// Registers that hold these at first.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn new(initial: Option<&Value>) -> Result<Self, String> {
        let initial = match initial {
            None => BTreeMap::new(),
            Some(Value::Map(fields)) => fields.iter().filter(|(_, value)| !value.is_nil()).cloned().collect(),
            Some(other) => return Err(format!("expected what each register holds at first, as in {{:x 0 :y 0}}, found {other}")),
        };
        Ok(Self { initial })
    }
}

type ActOn = RegisterAct<Value, Value>;

/// What is done, and for each act the value behind it.
fn acts(value: &Value) -> Result<Vec<(ActOn, &Value)>, String> {
    let shape = || format!("expected acts such as [[:read :x nil] [:write :y 2]], found {value}");
    let act = |act| match Value::items(act) {
        Some([Value::Keyword(f) | Value::Text(f) | Value::Symbol(f), key, value]) => match &**f {
            "read" | "r" => Ok((RegisterAct::Read(key.clone()), value)),
            "write" | "w" => Ok((RegisterAct::Write(key.clone(), given(value, "a value to write")?), value)),
            _ => Err(shape()),
        },
        _ => Err(shape()),
    };
    value.items().ok_or_else(shape)?.iter().map(act).collect()
}

impl Schema for MultiRegisters {
    type Model = MultiRegister<Value, Value>;

    const ANONYMOUS: bool = true;

    fn names(&self) -> &'static [&'static str] {
        &["txn"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<Vec<RegisterAct<Value, Value>>, String> {
        keyless(call)?;
        Ok(acts(call.value)?.into_iter().map(|(act, _)| act).collect())
    }

    fn answered(&mut self, op: &Vec<RegisterAct<Value, Value>>, call: Call<'_>) -> Result<Vec<Option<Value>>, String> {
        let acts = acts(call.value)?;
        if !acts.iter().map(|(act, _)| act).eq(op) {
            return Err("it ends with other acts than it began with".to_owned());
        }
        Ok(acts.iter().filter(|(act, _)| matches!(act, RegisterAct::Read(_))).map(|(_, value)| held(value)).collect())
    }

    fn finish(self) -> MultiRegister<Value, Value> {
        MultiRegister::holding(self.initial)
    }
}

/// A bank: `:transfer {:from 0 :to 1 :amount 5}`, and `:read`, which ends with all balances, `{0 5 1 15}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Banks {
    /// What is in all accounts; if it was not said, what the first read in the file saw.
    total: Option<i64>,
}

impl Banks {
    /// A bank with these balances at first.
    ///
    /// # Errors
    /// What was expected instead.
    pub fn new(initial: Option<&Value>) -> Result<Self, String> {
        Ok(Self { total: initial.map(|initial| total(&balances(initial)?)).transpose()? })
    }
}

fn balances(value: &Value) -> Result<BTreeMap<Value, i64>, String> {
    let shape = || format!("expected what is in each account, as in {{0 5 1 15}}, found {value}");
    let Value::Map(fields) = value else { return Err(shape()) };
    fields.iter().map(|(key, balance)| whole(balance, "a whole number in an account").map(|balance| (key.clone(), balance))).collect()
}

fn total(balances: &BTreeMap<Value, i64>) -> Result<i64, String> {
    let sum: i128 = balances.values().map(|balance| i128::from(*balance)).sum();
    sum.try_into().map_err(|_| format!("the total, {sum}, has more than 64 bits"))
}

impl Schema for Banks {
    type Model = Bank<Value>;

    fn names(&self) -> &'static [&'static str] {
        &["read", "transfer"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<BankOp<Value>, String> {
        keyless(call)?;
        if call.f == "read" {
            return Ok(BankOp::Read);
        }
        let shape = || format!("expected a transfer, as in {{:from 0 :to 1 :amount 5}}, found {}", call.value);
        let Value::Map(fields) = call.value else { return Err(shape()) };
        let named = |wanted: &str, key: &Value| matches!(key, Value::Keyword(name) | Value::Text(name) if &**name == wanted);
        let field = |wanted: &str| fields.iter().find(|(key, _)| named(wanted, key)).map(|(_, value)| value).ok_or_else(shape);
        Ok(BankOp::Transfer { from: field("from")?.clone(), to: field("to")?.clone(), amount: whole(field("amount")?, "an amount")? })
    }

    fn answered(&mut self, op: &BankOp<Value>, call: Call<'_>) -> Result<BankResult<Value>, String> {
        if let BankOp::Transfer { .. } = op {
            return Ok(BankResult::Moved);
        }
        let balances = balances(call.value)?;
        if self.total.is_none() {
            self.total = Some(total(&balances)?);
        }
        Ok(BankResult::Balances(balances))
    }

    fn finish(self) -> Bank<Value> {
        Bank::of(self.total)
    }
}

/// A source of ids: `:generate` ends with one.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdSources;

impl Schema for IdSources {
    type Model = UniqueIds<Value>;

    fn names(&self) -> &'static [&'static str] {
        &["generate"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<Generate, String> {
        keyless(call)?;
        done(&Value::Nil, call).map(|()| Generate)
    }

    fn answered(&mut self, _: &Generate, call: Call<'_>) -> Result<Value, String> {
        given(call.value, "an id")
    }

    fn finish(self) -> UniqueIds<Value> {
        UniqueIds::unused()
    }
}

impl super::ObjectSchema for IdSources {
    fn start(&mut self, initial: &Value) -> Result<std::collections::BTreeSet<Value>, String> {
        super::initial_items(initial, given).map(|ids| ids.into_iter().collect())
    }

    /// An id may be a pair.
    fn behind_key(_: &str, _: &Value) -> bool {
        false
    }
}
