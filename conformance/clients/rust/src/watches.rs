use std::{pin::pin, time::Duration};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PartialObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    runtime::{
        WatchStreamExt, reflector,
        watcher::{self, Event, watcher},
    },
};

use crate::{Check, Outcome, config_map, want};

pub const CHECKS: &[Check] = &[
    Check("a watcher that lists in pages sees all objects and their changes", |client, ns| {
        Box::pin(follows(client, ns, watcher::Config::default().page_size(3)))
    }),
    Check("a watcher that streams its list sees the same", |client, ns| {
        Box::pin(follows(client, ns, watcher::Config::default().streaming_lists()))
    }),
    Check("a watcher of metadata sees no more than that", |client, ns| Box::pin(metadata(client, ns))),
    Check("a reflector's store is what the server has", |client, ns| Box::pin(reflects(client, ns))),
    Check("a watch ends in time, with a bookmark that it can go on from", |client, ns| Box::pin(bookmarks(client, ns))),
];

const COUNT: usize = 10;

async fn fill(api: &Api<ConfigMap>) -> Outcome {
    for i in 0..COUNT {
        api.create(&PostParams::default(), &config_map(&format!("c{i}"), "old")).await?;
    }
    Ok(())
}

async fn follows(client: Client, ns: String, config: watcher::Config) -> Outcome {
    let api: Api<ConfigMap> = Api::namespaced(client, &ns);
    fill(&api).await?;
    let mut events = pin!(watcher(api.clone(), config.labels("app=check")).default_backoff());
    let mut initial = 0;
    loop {
        match events.try_next().await?.ok_or("the watch ended")? {
            Event::InitApply(_) => initial += 1,
            Event::InitDone => break,
            _ => {}
        }
    }
    want("objects at first", initial, COUNT)?;
    api.patch("c3", &PatchParams::default(), &Patch::Merge(serde_json::json!({ "data": { "key": "new" } }))).await?;
    api.delete("c4", &DeleteParams::default()).await?;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        match events.try_next().await?.ok_or("the watch ended")? {
            Event::Apply(object) => seen.push(format!("+{}", object.name_any())),
            Event::Delete(object) => seen.push(format!("-{}", object.name_any())),
            _ => {}
        }
    }
    want("changes", seen.join(" "), "+c3 -c4".to_string())
}

async fn metadata(client: Client, ns: String) -> Outcome {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), &ns);
    fill(&api).await?;
    let partial: Api<PartialObjectMeta<ConfigMap>> = Api::namespaced(client, &ns);
    let mut events = pin!(watcher(partial, watcher::Config::default().labels("app=check")));
    let mut initial = 0;
    loop {
        match events.try_next().await?.ok_or("the watch ended")? {
            Event::InitApply(object) => {
                initial += 1;
                want("label", object.labels().get("app").map(String::as_str), Some("check"))?;
            }
            Event::InitDone => break,
            _ => {}
        }
    }
    want("objects", initial, COUNT)
}

async fn reflects(client: Client, ns: String) -> Outcome {
    let api: Api<ConfigMap> = Api::namespaced(client, &ns);
    fill(&api).await?;
    let (reader, writer) = reflector::store();
    let stream = reflector(writer, watcher(api.clone(), watcher::Config::default().labels("app=check"))).applied_objects();
    let mut stream = pin!(stream);
    for i in 0..COUNT {
        stream.next().await.ok_or(format!("the stream ended before object {i}"))??;
    }
    // The store learns of the end of the list only while its stream is followed.
    tokio::select! {
        ready = reader.wait_until_ready() => ready?,
        _ = stream.next() => return Err("more than the list".into()),
    }
    want("objects", reader.state().len(), COUNT)?;
    api.patch("c0", &PatchParams::default(), &Patch::Merge(serde_json::json!({ "data": { "key": "new" } }))).await?;
    stream.next().await.ok_or("the stream ended")??;
    let changed = reader.find(|object| object.name_any() == "c0").ok_or("not in the store")?;
    want("value", changed.data.as_ref().and_then(|data| data.get("key")).map(String::as_str), Some("new"))
}

async fn bookmarks(client: Client, ns: String) -> Outcome {
    let api: Api<ConfigMap> = Api::namespaced(client, &ns);
    let list = api.list(&ListParams::default()).await?;
    let start = list.metadata.resource_version.clone().ok_or("a list without revision")?;
    let params = WatchParams::default().timeout(2);
    let mut last = None;
    {
        let mut stream = pin!(api.watch(&params, &start).await?);
        while let Some(event) = stream.try_next().await? {
            if let WatchEvent::Bookmark(bookmark) = event {
                last = Some(bookmark.metadata.resource_version);
            }
        }
    }
    let last = last.ok_or("no bookmark came before the end")?;
    api.create(&PostParams::default(), &config_map("late", "x")).await?;
    let mut stream = pin!(api.watch(&params, &last).await?);
    let event = tokio::time::timeout(Duration::from_secs(5), stream.try_next()).await??.ok_or("the watch ended")?;
    match event {
        WatchEvent::Added(object) => want("name", object.name_any(), "late".to_string()),
        other => Err(format!("{other:?}").into()),
    }
}
