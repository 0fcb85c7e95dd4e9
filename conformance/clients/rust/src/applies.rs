use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{ConfigMap, Pod},
};
use kube::{
    Api, Client, Error, ResourceExt,
    api::{DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::{GroupVersionKind, Status},
    discovery::{self, Discovery, Scope},
};
use serde_json::json;

use crate::{Check, Failure, Outcome, want};

pub const CHECKS: &[Check] = &[
    Check("applied fields conflict between managers unless forced, and equal ones are shared", |client, ns| {
        Box::pin(conflicts(client, ns))
    }),
    Check("a lease is applied only where there is none when its revision says so", |client, ns| Box::pin(leases(client, ns))),
    Check("groups and kinds are discovered, one group alone as well", |client, ns| Box::pin(discovers(client, ns))),
    Check("pages of a list join, and errors have their reasons", |client, ns| Box::pin(pages(client, ns))),
];

fn status(error: Error) -> Result<Box<Status>, Failure> {
    match error {
        Error::Api(status) => Ok(status),
        other => Err(other.into()),
    }
}

async fn conflicts(client: Client, ns: String) -> Outcome {
    let api: Api<ConfigMap> = Api::namespaced(client, &ns);
    let body = |value: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "shared" }, "data": { "a": value } });
    api.patch("shared", &PatchParams::apply("one"), &Patch::Apply(body("1"))).await?;
    let refused = api.patch("shared", &PatchParams::apply("two"), &Patch::Apply(body("2"))).await.err().ok_or("no conflict")?;
    let refused = status(refused)?;
    want("code", refused.code, 409)?;
    want("text", refused.message.contains("conflict with \"one\": .data.a"), true)?;
    let shared = api.patch("shared", &PatchParams::apply("two"), &Patch::Apply(body("1"))).await?;
    let again = api.patch("shared", &PatchParams::apply("two"), &Patch::Apply(body("1"))).await?;
    want("the same again", again.resource_version(), shared.resource_version())?;
    let taken = api.patch("shared", &PatchParams::apply("two").force(), &Patch::Apply(body("3"))).await?;
    want("value", taken.data.and_then(|data| data.get("a").cloned()), Some("3".to_string()))?;
    let owners: Vec<_> = taken.metadata.managed_fields.unwrap_or_default().into_iter().filter_map(|entry| entry.manager).collect();
    want("owners", owners, vec!["two".to_string()])
}

/// Revision "0" in an applied object means: create it, or fail.
async fn leases(client: Client, ns: String) -> Outcome {
    let api: Api<Lease> = Api::namespaced(client, &ns);
    let body = |holder: &str, revision: &str| {
        json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "l", "resourceVersion": revision },
            "spec": { "holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": "2026-11-21T10:00:00.123456Z" } })
    };
    let made = api.patch("l", &PatchParams::apply("one"), &Patch::Apply(body("one", "0"))).await?;
    let refused = api.patch("l", &PatchParams::apply("two").force(), &Patch::Apply(body("two", "0"))).await.err().ok_or("applied twice")?;
    want("refused", (400..500).contains(&status(refused)?.code), true)?;
    let revision = made.resource_version().ok_or("no revision")?;
    let renewed = api.patch("l", &PatchParams::apply("one"), &Patch::Apply(body("again", &revision))).await?;
    let stale = api
        .patch("l", &PatchParams::apply("one"), &Patch::Apply(body("late", &revision)))
        .await
        .err()
        .ok_or("applied to an old revision")?;
    want("stale", status(stale)?.code, 409)?;
    want("holder", renewed.spec.and_then(|spec| spec.holder_identity), Some("again".to_string()))
}

async fn discovers(client: Client, ns: String) -> Outcome {
    let all = Discovery::new(client.clone()).run().await?;
    let (deployments, capabilities) = all.resolve_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment")).ok_or("no deployments")?;
    want("plural", deployments.plural.as_str(), "deployments")?;
    want("scope", capabilities.scope == Scope::Namespaced, true)?;
    want("scale", capabilities.subresources.iter().any(|(resource, _)| resource.plural == "scale"), true)?;
    let aggregated = Discovery::new(client.clone()).run_aggregated().await?;
    want("groups", aggregated.groups().count(), all.groups().count())?;
    let apps = discovery::group(&client, "apps").await?;
    want("in one group", apps.recommended_kind("StatefulSet").is_some(), true)?;
    let pinned = discovery::pinned_kind(&client, &GroupVersionKind::gvk("", "v1", "ConfigMap")).await?;
    let dynamic: Api<DynamicObject> = Api::namespaced_with(client, &ns, &pinned.0);
    want("dynamic objects", dynamic.list(&ListParams::default()).await.is_ok(), true)
}

async fn pages(client: Client, ns: String) -> Outcome {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), &ns);
    for i in 0..7 {
        api.create(&PostParams::default(), &crate::config_map(&format!("p{i}"), "x")).await?;
    }
    let mut params = ListParams::default().labels("app=check").limit(3);
    let mut names = Vec::new();
    loop {
        let page = api.list(&params).await?;
        names.extend(page.items.iter().map(ResourceExt::name_any));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    want("names", names.join(" "), "p0 p1 p2 p3 p4 p5 p6".to_string())?;
    let pods: Api<Pod> = Api::namespaced(client, &ns);
    want("absent", pods.get_opt("nothing").await?.is_none(), true)?;
    let broken = status(pods.list(&ListParams::default().fields("no=such")).await.err().ok_or("an unknown field selected")?)?;
    want("unknown field", broken.code, 400)
}
