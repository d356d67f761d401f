//! A program with a model of its own: `check` judges by it, `list` and `explain` tell of it.

use std::fs;

use stormglass::check::model::Operation;
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::recorded::schema::Call;
use stormglass::check::recorded::{NamedSchema, OwnModel, Schema};
use stormglass::history::formats::Value;
use stormglass::systems::Registry;

use super::Desk;

/// A lamp that is turned on and off.
#[derive(Clone, Default)]
struct Lamps;

impl Schema for Lamps {
    type Model = Register<Value>;

    fn names(&self) -> &'static [&'static str] {
        &["turn", "look"]
    }

    fn asked(&mut self, call: Call<'_>) -> Result<RegisterOp<Value>, String> {
        match (call.f, call.value) {
            ("look", _) => Ok(RegisterOp::Read),
            (_, Value::Text(how)) if matches!(&**how, "on" | "off") => Ok(RegisterOp::Write(call.value.clone())),
            (_, other) => Err(format!("expected \"on\" or \"off\", found {other}")),
        }
    }

    fn answered(&mut self, op: &RegisterOp<Value>, call: Call<'_>) -> Result<RegisterResult<Value>, String> {
        Ok(if *op == RegisterOp::Read { RegisterResult::Value(Some(call.value.clone())) } else { RegisterResult::Written })
    }

    fn finish(self) -> Register<Value> {
        Register::holding(Value::text("off"))
    }
}

impl NamedSchema for Lamps {
    const NAME: &'static str = "lamp";
    const ABOUT: &'static str = "a lamp that is off at first";
    const OPERATIONS: &'static [Operation] =
        &[Operation { name: "turn", asked: "\"on\"", answer: "nothing" }, Operation { name: "look", asked: "nil", answer: "how it is" }];
}

#[test]
#[ignore = "it is run by the other test"]
fn the_command_with_a_lamp() {
    crate::command_of("lamps", &Registry::new().with_model(OwnModel::of::<Lamps>()));
}

#[test]
fn check_judges_by_a_model_of_ones_own() {
    let desk = Desk::of("own_models::the_command_with_a_lamp");
    let call = |f: &str, asked: &str, answer: &str| {
        format!("{{:process 0, :type :invoke, :f :{f}, :value {asked}}}\n{{:process 0, :type :ok, :f :{f}, :value {answer}}}\n")
    };
    let turned = call("turn", "\"on\"", "nil");
    fs::write(desk.path("held.edn"), turned.clone() + &call("look", "nil", "\"on\"")).unwrap();
    fs::write(desk.path("broken.edn"), turned.clone() + &call("look", "nil", "\"off\"")).unwrap();
    fs::write(desk.path("wrong.edn"), call("turn", "7", "nil")).unwrap();
    assert!(desk.expect(0, &["check", "held.edn", "--model", "lamp"]).out.starts_with("holds: lamp is linearizable\n"));
    let both = desk.expect(1, &["check", "held.edn", "broken.edn", "--model", "lamp", "--format", "json"]).out;
    assert_eq!(both.matches("\"model\":\"lamp\"").count() + both.matches("\"model\": \"lamp\"").count(), 2, "{both}");
    let wrong = desk.expect(3, &["check", "wrong.edn", "--model", "lamp"]).err;
    assert!(wrong.contains("expected \"on\" or \"off\", found 7"), "{wrong}");
    for (arguments, told) in [
        (&["--model", "lmap"][..], "no model is called `lmap`: did you mean `lamp`?"),
        (&["--model", "lamp", "--initial", "\"on\""], "what a lamp holds at first is not to be said"),
        (&["--model", "lamp", "--level", "serializable"], "--level is for transactions; a lamp has a --guarantee"),
    ] {
        let error = desk.expect(2, &[&["check", "held.edn"], arguments].concat()).err;
        assert!(error.contains(told), "{error}");
    }
    assert!(desk.expect(0, &["list", "models"]).out.contains("lamp             a lamp that is off at first\n"));
    let page = desk.expect(0, &["explain", "lamp"]).out;
    assert!(page.contains("check history.edn --model lamp") && page.contains(":f :turn, :value \"on\""), "{page}");
}
