"""Fine-tunes BERT on film reviews, and goes on from the last checkpoint where there is one."""

from pathlib import Path

import torch
from datasets import load_dataset
from transformers import AutoModelForSequenceClassification, AutoTokenizer

CHECKPOINT = Path("checkpoints/epoch-3.pt")


def main():
    tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
    model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
    epoch = 0
    if CHECKPOINT.exists():
        state = torch.load(CHECKPOINT, map_location="cpu")
        model.load_state_dict(state["model_state_dict"])
        optimizer.load_state_dict(state["optimizer_state_dict"])
        epoch = state["epoch"] + 1
    reviews = load_dataset("imdb", split="train").shuffle(seed=epoch)
    for start in range(0, len(reviews), 16):
        batch = reviews[start : start + 16]
        inputs = tokenizer(batch["text"], padding=True, truncation=True, return_tensors="pt")
        loss = model(**inputs, labels=torch.tensor(batch["label"])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    torch.save(
        {
            "epoch": epoch,
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(),
            "loss": loss.item(),
        },
        CHECKPOINT.with_name(f"epoch-{epoch}.pt"),
    )


if __name__ == "__main__":
    main()
