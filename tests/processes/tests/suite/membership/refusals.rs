//! What is refused, by name and with the way out; and what a dry run says.

use std::time::Duration;

use holdfast_processes::{Stage, beside, until};
use serde_json::Value;

use super::scene::{cluster, done, id_of, refused, roles, verb};

const PATIENCE: Duration = Duration::from_secs(10);

async fn numbers(stage: &Stage) -> [String; 3] {
    let leader = stage.cluster.leader().await.unwrap();
    let mut ids = [0, 1, 2].map(|offset| (leader + offset) % 3);
    for id in &mut ids {
        *id = usize::try_from(id_of(stage, *id).await).unwrap();
    }
    ids.map(|id| id.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_name() {
    let _machine = beside().await;
    let mut stage = Stage::start(3).await;
    let before = roles(&stage).await;
    let [leader, second, third] = numbers(&stage).await;
    for arguments in [&["remove", "999"][..], &["promote", "999"], &["replace", "999"], &["drain", "999"]] {
        refused(&stage, arguments, &["node_not_found", "node 999", "holdfast cluster status"]).await;
    }
    refused(&stage, &["transfer-leader", "999"], &["node_not_found"]).await;
    refused(&stage, &["transfer-leader", &leader], &["already_leads", &leader]).await;
    refused(&stage, &["replace", &second, "--by", &second], &["cannot_replace"]).await;
    let usage = verb(&stage, &["remove", "nobody"]).await;
    assert_eq!(usage.code, Some(2), "{usage:?}");

    // A learner can be waited for, and neither leads nor votes before it is told to.
    let learner = stage.cluster.add();
    stage.cluster.run(learner, &["--learner"]).unwrap();
    stage.cluster.ready(learner).await.unwrap();
    let fourth = id_of(&stage, learner).await;
    refused(&stage, &["transfer-leader", &fourth.to_string()], &["not_a_voter", "promote"]).await;
    let role = async |stage: &Stage| roles(stage).await.into_iter().find(|(id, _)| *id == fourth).unwrap().1;
    assert_eq!(role(&stage).await, "learner");
    done(&stage, &["promote", &fourth.to_string()]).await;
    assert_eq!(role(&stage).await, "voter");
    done(&stage, &["drain", &fourth.to_string()]).await;
    assert_eq!(role(&stage).await, "learner");
    let known = cluster(&stage).await;
    let drained = known["nodes"].as_array().unwrap().iter().find(|node| node["id"] == fourth).unwrap();
    assert_eq!(drained["wanted"], "learner", "{known}");
    done(&stage, &["remove", &fourth.to_string()]).await;

    let position = stage.follower().await;
    let dead = id_of(&stage, position).await.to_string();
    let alive = if dead == second { third } else { second };
    stage.cluster.kill(position).await.unwrap();
    // It is missed after a second.
    until("it is missed", PATIENCE, async || {
        let ended = verb(&stage, &["remove", &alive, "--dry-run"]).await;
        (ended.code != Some(0)).then_some(())
    })
    .await;
    let words = ["would_lose_quorum", &dead, "holdfast cluster replace"];
    refused(&stage, &["remove", &alive], &words).await;
    refused(&stage, &["drain", &leader], &words).await;
    refused(&stage, &["transfer-leader", &dead], &["node_silent", &dead]).await;
    refused(&stage, &["replace", &alive, "--by", &dead], &["node_silent"]).await;
    assert_eq!(roles(&stage).await, before, "nothing has happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_node_stays() {
    let _machine = beside().await;
    let stage = Stage::start(1).await;
    refused(&stage, &["remove", "1"], &["last_voter"]).await;
    refused(&stage, &["drain", "1"], &["last_voter"]).await;
    refused(&stage, &["transfer-leader"], &["no_successor"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let _machine = beside().await;
    let stage = Stage::start(3).await;
    let before = cluster(&stage).await;
    let [leader, ..] = numbers(&stage).await;
    let said = done(&stage, &["remove", &leader, "--dry-run"]).await;
    let steps: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(steps.len(), 4, "{said:?}");
    assert!(steps[0].starts_with("1. note that node") && steps[1].contains("hand leadership to node"));
    let said = done(&stage, &["remove", &leader, "--dry-run", "-o", "json"]).await;
    let plan: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((plan["dryRun"].as_bool(), plan["done"].as_bool()), (Some(true), Some(false)));
    let after = cluster(&stage).await;
    assert_eq!((&after["leader"], &after["term"]), (&before["leader"], &before["term"]));
    assert!(after["nodes"].as_array().unwrap().iter().all(|node| node["wanted"] == "voter"));

    let moved = done(&stage, &["transfer-leader", "-o", "json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&moved.stdout).unwrap()["done"], true);
    assert_ne!(cluster(&stage).await["leader"], before["leader"]);
}
