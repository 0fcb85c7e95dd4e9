use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use k8s_openapi::{
    api::core::v1::ConfigMap, api::core::v1::Event as RecordedEvent,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, CustomResource, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    core::CustomResourceExt,
    runtime::{
        Controller,
        controller::Action,
        events::{Event, EventType, Recorder, Reporter},
        finalizer,
        wait::{await_condition, conditions},
        watcher,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Check, Failure, Outcome, want};

pub const CHECKS: &[Check] =
    &[Check("a controller reconciles its kind: a definition by derive, owned objects, status, events and a finalizer", |client, ns| {
        Box::pin(controls(client, ns))
    })];

#[derive(CustomResource, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[kube(group = "rust.example.com", version = "v1", kind = "Gadget", namespaced, status = "GadgetStatus")]
struct GadgetSpec {
    size: i32,
    color: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug, Default, JsonSchema)]
struct GadgetStatus {
    size: i32,
}

const MANAGER: &str = "gadget-controller";

/// An error that the library can hold.
#[derive(Debug)]
struct Held(Failure);
impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
impl std::error::Error for Held {}
impl From<kube::Error> for Held {
    fn from(error: kube::Error) -> Self {
        Held(error.into())
    }
}

struct Context {
    client: Client,
    recorder: Recorder,
}

async fn reconcile(gadget: Arc<Gadget>, context: Arc<Context>) -> Result<Action, finalizer::Error<Held>> {
    let ns = gadget.namespace().unwrap_or_default();
    let gadgets: Api<Gadget> = Api::namespaced(context.client.clone(), &ns);
    finalizer(&gadgets, "rust.example.com/cleanup", gadget, |event| async {
        match event {
            finalizer::Event::Apply(gadget) => apply(&gadget, &ns, &context).await,
            finalizer::Event::Cleanup(gadget) => cleanup(&gadget, &ns, &context).await,
        }
    })
    .await
}

async fn apply(gadget: &Gadget, ns: &str, context: &Context) -> Result<Action, Held> {
    let name = gadget.name_any();
    let owned = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "ownerReferences": [gadget.controller_owner_ref(&())] },
        "data": { "size": gadget.spec.size.to_string() },
    });
    let params = PatchParams::apply(MANAGER).force();
    let maps: Api<ConfigMap> = Api::namespaced(context.client.clone(), ns);
    maps.patch(&name, &params, &Patch::Apply(owned)).await?;
    let status = json!({ "apiVersion": "rust.example.com/v1", "kind": "Gadget", "status": { "size": gadget.spec.size } });
    let gadgets: Api<Gadget> = Api::namespaced(context.client.clone(), ns);
    gadgets.patch_status(&name, &params, &Patch::Apply(status)).await?;
    let event = Event { type_: EventType::Normal, reason: "Sized".into(), note: None, action: "Sizing".into(), secondary: None };
    context.recorder.publish(&event, &gadget.object_ref(&())).await?;
    Ok(Action::requeue(Duration::from_secs(300)))
}

async fn cleanup(gadget: &Gadget, ns: &str, context: &Context) -> Result<Action, Held> {
    let maps: Api<ConfigMap> = Api::namespaced(context.client.clone(), ns);
    maps.create(&PostParams::default(), &crate::config_map(&format!("{}-cleaned", gadget.name_any()), "x")).await?;
    Ok(Action::await_change())
}

async fn controls(client: Client, ns: String) -> Outcome {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = Gadget::crd().name_any();
    definitions.patch(&name, &PatchParams::apply(MANAGER), &Patch::Apply(Gadget::crd())).await?;
    await_condition(definitions.clone(), &name, conditions::is_crd_established()).await?;
    let gadgets: Api<Gadget> = Api::namespaced(client.clone(), &ns);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &ns);
    let recorder = Recorder::new(client.clone(), Reporter { controller: MANAGER.into(), instance: None });
    let context = Arc::new(Context { client: client.clone(), recorder });
    let running = Controller::new(gadgets.clone(), watcher::Config::default())
        .owns(maps.clone(), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_millis(200)), context)
        .for_each(|_| async {});
    let outcome = tokio::select! {
        _ = running => Err("the controller ended".into()),
        outcome = use_gadgets(&client, &gadgets, &maps, &ns) => outcome,
    };
    definitions.delete(&name, &DeleteParams::default()).await?;
    outcome
}

async fn use_gadgets(client: &Client, gadgets: &Api<Gadget>, maps: &Api<ConfigMap>, ns: &str) -> Outcome {
    gadgets.create(&PostParams::default(), &Gadget::new("g", GadgetSpec { size: 1, color: None })).await?;
    sized(gadgets, maps, 1).await?;
    // What is taken away is put back, by way of its owner.
    maps.delete("g", &DeleteParams::default()).await?;
    sized(gadgets, maps, 1).await?;
    gadgets.patch("g", &PatchParams::default(), &Patch::Merge(json!({ "spec": { "size": 4 } }))).await?;
    sized(gadgets, maps, 4).await?;
    let events: Api<RecordedEvent> = Api::namespaced(client.clone(), ns);
    let recorded = events.list(&ListParams::default().fields("involvedObject.name=g,reason=Sized")).await?;
    want("events", recorded.items.is_empty(), false)?;
    let uid = gadgets.get("g").await?.uid().ok_or("no uid")?;
    gadgets.delete("g", &DeleteParams::default()).await?;
    await_condition(gadgets.clone(), "g", conditions::is_deleted(&uid)).await?;
    want("cleaned", maps.get_opt("g-cleaned").await?.is_some(), true)?;
    for _ in 0..100 {
        if maps.get_opt("g").await?.is_none() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the owned object was not collected".into())
}

async fn sized(gadgets: &Api<Gadget>, maps: &Api<ConfigMap>, size: i32) -> Outcome {
    let mut last = String::new();
    for _ in 0..150 {
        let status = gadgets.get("g").await?.status.map(|status| status.size);
        let owned = maps.get_opt("g").await?.and_then(|map| map.data).and_then(|data| data.get("size").cloned());
        if status == Some(size) && owned == Some(size.to_string()) {
            return Ok(());
        }
        last = format!("status {status:?}, owned {owned:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("not of size {size}: {last}").into())
}
