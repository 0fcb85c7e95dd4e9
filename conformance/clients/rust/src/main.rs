//! What kube-rs programs ask of an API server: watchers that list or stream, a reflector, a controller with finalizer, owned objects
//! and events, server-side apply, discovery. Usage: weft-kube-client, with KUBECONFIG. Prints one line of JSON per check,
//! {"check": …, "error": …}, and exits 1 when one failed.
mod applies;
mod controls;
mod watches;

use std::{future::Future, pin::Pin, process::ExitCode, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams},
};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome = Result<(), Failure>;
type Run = fn(Client, String) -> Pin<Box<dyn Future<Output = Outcome>>>;

/// Bounds each check.
const CHECK_LIMIT: Duration = Duration::from_secs(60);

/// One thing that has to work, in a namespace of its own; its name is a sentence.
pub struct Check(pub &'static str, pub Run);

/// Fails unless both are equal.
pub fn want<T: PartialEq + std::fmt::Debug>(what: &str, seen: T, expected: T) -> Outcome {
    if seen == expected { Ok(()) } else { Err(format!("{what}: got {seen:?}, want {expected:?}").into()) }
}

pub fn config_map(name: &str, value: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.into()), labels: Some([("app".into(), "check".into())].into()), ..Default::default() },
        data: Some([("key".to_string(), value.to_string())].into()),
        ..Default::default()
    }
}

async fn run_one(client: Client, Check(_, run): &Check) -> Outcome {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let asked = Namespace { metadata: ObjectMeta { generate_name: Some("check-".into()), ..Default::default() }, ..Default::default() };
    let namespace = namespaces.create(&PostParams::default(), &asked).await?.name_any();
    let outcome = match tokio::time::timeout(CHECK_LIMIT, run(client, namespace.clone())).await {
        Ok(outcome) => outcome,
        Err(_) => Err("not done in time".into()),
    };
    namespaces.delete(&namespace, &DeleteParams::background()).await?;
    outcome
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let client = match Client::try_default().await {
        Ok(client) => client,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let mut failed = false;
    for check in watches::CHECKS.iter().chain(applies::CHECKS).chain(controls::CHECKS) {
        let mut line = serde_json::json!({ "check": check.0 });
        if let Err(error) = run_one(client.clone(), check).await {
            line["error"] = error.to_string().into();
            failed = true;
        }
        println!("{line}");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
