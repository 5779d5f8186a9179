"""Makes honest files with the libraries themselves, under benchmarks/corpus/honest.

    python3 -m venv benchmarks/.venv-honest
    benchmarks/.venv-honest/bin/pip install -r benchmarks/honest-requirements.txt
    benchmarks/.venv-honest/bin/python benchmarks/honest.py

Run by that environment, never by weighbridge's own. TensorFlow wants one of its own: ``pip install
tensorflow-cpu keras`` there, and ``honest.py tensorflow`` adds its files to the others. Each file or folder is one sample; what a release cannot
write is named at the end and left out. The objects are written here as people write them, not taken from the
enumeration by which the honest names are measured.
"""

import argparse
import io
import json
import os
import pickle
import shutil
import sys
import tarfile
import warnings
import zipfile
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path

warnings.simplefilter("ignore")
os.environ |= {"CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "torch", "HF_HUB_OFFLINE": "1"}

OUT = Path(__file__).resolve().parent / "corpus" / "honest"
missed: list[str] = []


def save(name: str, write: Callable[[Path], object]) -> None:
    """One sample: ``write`` is handed its path."""
    try:
        write(OUT / name)
    except Exception as error:  # noqa: BLE001  (one release's gap must not cost the corpus)
        missed.append(f"{name}: {type(error).__name__}: {str(error)[:100]}")
        path = OUT / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def dump(name: str, value: object, protocol: int = 4) -> None:
    """A pickle."""
    save(name, lambda path: path.write_bytes(pickle.dumps(value, protocol)))


def data() -> tuple[object, object]:
    """Sixty rows of three features and two classes."""
    import numpy as np

    random = np.random.RandomState(7)
    xs = random.rand(60, 3)
    return xs, (xs.sum(axis=1) > 1.5).astype(int)


# --- plain Python, NumPy, pandas ---------------------------------------------------------------------------


def plain() -> None:
    import datetime as dt
    import decimal
    import pathlib
    import re
    import uuid

    vocabulary = {f"token{i}": i for i in range(2000)}
    for protocol in range(6):
        dump(f"vocabulary-p{protocol}.pkl", vocabulary, protocol)
    counts = defaultdict(int, Counter("the quick brown fox"))
    state = {
        "when": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "path": pathlib.Path("data/train"),
        "id": uuid.UUID(int=7), "pattern": re.compile(r"\w+", re.IGNORECASE), "rate": decimal.Decimal("0.1"),
        "counts": counts, "order": OrderedDict(a=1), "set": {1, 2}, "zone": dt.UTC,
    }  # fmt: skip
    for protocol in (0, 2, 4):
        dump(f"experiment-p{protocol}.pkl", state, protocol)
    dump("metrics.pkl", [{"epoch": i, "loss": 1 / (i + 1)} for i in range(100)])


def numpy() -> None:
    import numpy as np

    random = np.random.default_rng(1)
    arrays = {
        "float": random.random((10, 4)), "int": np.arange(10), "text": np.array(["a", "bcd"]),
        "structured": np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]), "fortran": np.asfortranarray(random.random((3, 3))),
        "dates": np.array(["2026-01-01"], "M8[D]"), "complex": np.ones(3, complex),
    }  # fmt: skip
    for name, array in arrays.items():
        save(f"{name}.npy", lambda path, array=array: np.save(path, array))
    objects = np.array([{"a": 1}, [1, 2], "text", None], object)
    save("objects.npy", lambda path: np.save(path, objects, allow_pickle=True))
    save("plain.npz", lambda path: np.savez(path, **arrays))
    save("packed.npz", lambda path: np.savez_compressed(path, objects=objects, **arrays))
    dump("arrays.pkl", arrays, 2)
    dump("arrays-p5.pkl", arrays, 5)
    dump(
        "generator.pkl",
        {"new": random, "old": np.random.RandomState(3), "masked": np.ma.array([1], mask=[1])},
    )


def pandas() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {"a": [1, 2], "b": ["x", "y"], "c": pd.date_range("2026-01-01", periods=2, tz="UTC")}
    )
    frame["d"] = pd.Categorical(["q", "r"])
    frame["e"] = pd.array([1, None], dtype="Int64")
    for suffix in ("pkl", "pkl.gz", "pkl.bz2", "pkl.xz", "pkl.zip"):
        save(f"frame.{suffix}", frame.to_pickle)
    dump("frame-p2.pickle", frame, 2)
    dump("series.pkl", frame.set_index("c").a)
    dump("groups.pkl", frame.groupby("b")[["a"]].sum())
    dump("wide.pkl", pd.concat([frame, frame], keys=["l", "r"]))
    dump(
        "calendar.pkl",
        {"offset": pd.offsets.BusinessDay(2), "period": pd.Period("2026-01"), "span": pd.Interval(0, 1)},
    )


# --- scikit-learn and the boosters -------------------------------------------------------------------------


def sklearn() -> None:
    import cloudpickle
    import dill
    import joblib
    import numpy as np
    import skops.io
    from sklearn import (
        cluster,
        decomposition,
        ensemble,
        gaussian_process,
        linear_model,
        manifold,
        mixture,
        naive_bayes,
        neighbors,
        neural_network,
        svm,
        tree,
    )
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.impute import KNNImputer, SimpleImputer
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures, StandardScaler

    xs, ys = data()
    models = {
        "logistic": linear_model.LogisticRegression(), "ridge": linear_model.RidgeCV(), "sgd": linear_model.SGDClassifier(),
        "lasso": linear_model.LassoCV(cv=3), "forest": ensemble.RandomForestClassifier(5), "extra": ensemble.ExtraTreesRegressor(5),
        "gbm": ensemble.GradientBoostingClassifier(n_estimators=5), "hist": ensemble.HistGradientBoostingClassifier(max_iter=5),
        "ada": ensemble.AdaBoostClassifier(n_estimators=3), "bagging": ensemble.BaggingClassifier(n_estimators=3),
        "isolation": ensemble.IsolationForest(n_estimators=5), "svc": svm.SVC(probability=True), "svr": svm.SVR(), "tree": tree.DecisionTreeClassifier(),
        "knn": neighbors.KNeighborsClassifier(algorithm="kd_tree"), "ball": neighbors.KNeighborsRegressor(algorithm="ball_tree"),
        "mlp": neural_network.MLPClassifier((4,), max_iter=5), "bayes": naive_bayes.GaussianNB(), "kmeans": cluster.KMeans(2, n_init=1),
        "dbscan": cluster.DBSCAN(), "gmm": mixture.GaussianMixture(2), "pca": decomposition.PCA(2), "nmf": decomposition.NMF(2),
        "gp": gaussian_process.GaussianProcessClassifier(), "isomap": manifold.Isomap(n_components=2),
        "voting": ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier())]),
        "stacking": ensemble.StackingClassifier([("a", linear_model.LogisticRegression())]),
        "calibrated": CalibratedClassifierCV(svm.LinearSVC(), cv=2), "ovr": OneVsRestClassifier(svm.SVC()),
        "grid": GridSearchCV(svm.SVC(), {"C": [1, 2]}, cv=StratifiedKFold(2)),
        "random": RandomizedSearchCV(tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}, n_iter=2, cv=2),
        "target": TransformedTargetRegressor(linear_model.LinearRegression(), func=np.log1p, inverse_func=np.expm1),
        "pipeline": make_pipeline(SimpleImputer(), PolynomialFeatures(), StandardScaler(), linear_model.LogisticRegression()),
        "function": make_pipeline(FunctionTransformer(np.log1p), KNNImputer(), linear_model.LogisticRegression()),
        "union": FeatureUnion([("pca", decomposition.PCA(1)), ("kbest", StandardScaler())]),
        "columns": Pipeline([("c", ColumnTransformer([("one", OneHotEncoder(handle_unknown="ignore"), [0])], remainder="passthrough")), ("m", linear_model.LogisticRegression())]),
    }  # fmt: skip
    fitted = {name: model.fit(xs, ys) for name, model in models.items()}
    for at, (name, model) in enumerate(fitted.items()):
        dump(f"sk-{name}.pkl", model, (2, 3, 4, 5)[at % 4])
        save(f"sk-{name}.joblib", lambda path, model=model: joblib.dump(model, path))
    packed = ("zlib", "gzip", "bz2", "xz", "lzma", "lz4")
    for kind in packed:
        save(
            f"forest-{kind}.joblib",
            lambda path, kind=kind: joblib.dump(fitted["forest"], path, compress=(kind, 3)),
        )
    save("forest.cloudpickle", lambda path: path.write_bytes(cloudpickle.dumps(fitted["pipeline"])))
    save("forest.dill", lambda path: path.write_bytes(dill.dumps(fitted["pipeline"])))
    for name in ("logistic", "pipeline", "tree", "grid", "svc", "gbm"):
        save(f"{name}.skops", lambda path, name=name: skops.io.dump(fitted[name], path))
    texts = ["a model of text", "another text", "more words here"] * 4
    for vectorizer in (CountVectorizer(), TfidfVectorizer(ngram_range=(1, 2))):
        model = make_pipeline(vectorizer, linear_model.LogisticRegression()).fit(texts, [0, 1, 1] * 4)
        dump(f"text-{type(vectorizer).__name__}.pkl", model)


def boosters() -> None:
    import catboost
    import joblib
    import lightgbm
    import xgboost

    xs, ys = data()
    model = xgboost.XGBClassifier(n_estimators=3).fit(xs, ys)
    dump("xgboost.pkl", model)
    save("xgboost.joblib", lambda path: joblib.dump(model, path))
    save("xgboost.json", model.save_model)
    save("xgboost.ubj", model.save_model)
    dump("xgboost-booster.pkl", model.get_booster())
    light = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(xs, ys)
    dump("lightgbm.pkl", light)
    save("lightgbm.joblib", lambda path: joblib.dump(light, path))
    dump("lightgbm-booster.pkl", light.booster_)
    save("lightgbm.txt", light.booster_.save_model)
    cat = catboost.CatBoostClassifier(iterations=3, verbose=False, allow_writing_files=False).fit(xs, ys)
    dump("catboost.pkl", cat)
    save("catboost.cbm", lambda path: cat.save_model(str(path)))


# --- networks ----------------------------------------------------------------------------------------------


def torch() -> None:
    import torch
    from torch import nn

    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
    state = net.state_dict()
    save("state.pt", lambda path: torch.save(state, path))
    save("state.pth", lambda path: torch.save(state, path, _use_new_zipfile_serialization=False))
    save("pytorch_model.bin", lambda path: torch.save({k: v.half() for k, v in state.items()}, path))
    save("bfloat.ckpt", lambda path: torch.save({k: v.to(torch.bfloat16) for k, v in state.items()}, path))
    save("module.pt", lambda path: torch.save(net, path))
    save("module-legacy.pt", lambda path: torch.save(net, path, _use_new_zipfile_serialization=False))
    for name in ("LSTM", "GRU"):
        save(f"{name}.pt", lambda path, name=name: torch.save(getattr(nn, name)(4, 4, 2), path))
    save(
        "transformer.pt",
        lambda path: torch.save(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 2), path),
    )
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(1, 1, 8, 8)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    whole = {
        "epoch": 3, "model": state, "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
        "args": argparse.Namespace(lr=0.1, path=Path("a")), "rng": torch.get_rng_state(), "device": torch.device("cpu"),
    }  # fmt: skip
    save("checkpoint.pth", lambda path: torch.save(whole, path))
    save("checkpoint.tar", lambda path: torch.save(whole, path))
    save("optimizer.pt", lambda path: torch.save(optimizer, path))
    save(
        "quantized.pt",
        lambda path: torch.save(torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8), path),
    )
    save("sparse.pt", lambda path: torch.save(torch.eye(3).to_sparse(), path))
    save("tensors.pt", lambda path: torch.save([torch.ones(3), nn.Parameter(torch.ones(2))], path))
    dump("tensor.pkl", {"w": torch.ones(3, 3)})
    save("scripted.pt", lambda path: torch.jit.save(torch.jit.script(net), str(path)))
    save(
        "traced.pt",
        lambda path: torch.jit.save(torch.jit.trace(net.eval(), torch.ones(1, 1, 8, 8)), str(path)),
    )
    save(
        "exported.pt2",
        lambda path: torch.export.save(torch.export.export(net, (torch.ones(1, 1, 8, 8),)), path),
    )

    def packaged(path: Path) -> None:
        from torch.package import PackageExporter

        with PackageExporter(path) as exporter:
            exporter.extern("torch.**")
            exporter.save_pickle("model", "model.pkl", net)
            exporter.save_text("notes", "readme.txt", "a model")

    save("package.pt", packaged)
    import safetensors.torch

    save("model.safetensors", lambda path: safetensors.torch.save_file(state, path, {"format": "pt"}))
    _served(state)


def _served(state: object) -> None:
    import torch

    raw = io.BytesIO()
    torch.save(state, raw)
    manifest = {
        "runtime": "python",
        "model": {
            "modelName": "net",
            "serializedFile": "net.pt",
            "handler": "image_classifier",
            "modelVersion": "1.0",
        },
        "archiverVersion": "0.12.0",
    }

    def mar(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("MAR-INF/MANIFEST.json", json.dumps(manifest))
            out.writestr("net.pt", raw.getvalue())
            out.writestr("index_to_name.json", '{"0": "cat"}')

    def nemo(path: Path, mode: str) -> None:
        config = "target: nemo.collections.asr.models.EncDecCTCModel\nencoder:\n  _target_: nemo.collections.asr.modules.ConvASREncoder\n  feat_in: 64\n"
        with tarfile.open(path, mode) as out:
            for name, content in (
                ("./model_config.yaml", config.encode()),
                ("./model_weights.ckpt", raw.getvalue()),
            ):
                row = tarfile.TarInfo(name)
                row.size = len(content)
                out.addfile(row, io.BytesIO(content))

    save("served.mar", mar)
    save("speech.nemo", lambda path: nemo(path, "w"))
    save("speech-packed.nemo", lambda path: nemo(path, "w:gz"))


def transformers() -> None:
    import tokenizers
    import torch
    import transformers as hf

    torch.manual_seed(0)
    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "vocab_size": 50,
    }
    save("bert", lambda path: hf.BertModel(hf.BertConfig(**small)).save_pretrained(path))
    save(
        "llama",
        lambda path: hf.LlamaForCausalLM(hf.LlamaConfig(**small, num_key_value_heads=2)).save_pretrained(
            path
        ),
    )
    save("bert-module.bin", lambda path: torch.save(hf.BertModel(hf.BertConfig(**small)), path))
    save("training_args.bin", lambda path: torch.save(hf.TrainingArguments("out", use_cpu=True), path))
    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    fast = hf.PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]")
    fast.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    save("tokenizer", fast.save_pretrained)
    dump("tokenizer.pkl", fast)
    dump("encoding.pkl", fast(["a a"]))


def keras() -> None:
    import keras

    layers = [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(2, 3),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(),
        keras.layers.Dense(2),
    ]
    model = keras.Sequential(layers)
    model.compile("adam", "mse")
    save("network.keras", model.save)
    save("weights.weights.h5", model.save_weights)
    save("config.json", lambda path: path.write_text(model.to_json()))


def exchanged() -> None:
    import gguf
    import numpy as np
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )  # fmt: skip
    save("relu.onnx", lambda path: onnx.save(helper.make_model(graph), path))

    def converted(path: Path) -> None:
        from skl2onnx import to_onnx
        from sklearn.linear_model import LogisticRegression

        xs, ys = data()
        path.write_bytes(
            to_onnx(LogisticRegression().fit(xs, ys), np.ones((1, 3), np.float32)).SerializeToString()
        )

    save("logistic.onnx", converted)

    def llama(path: Path) -> None:
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_block_count(1)
        writer.add_chat_template("{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}")
        writer.add_tensor("token_embd.weight", np.ones((4, 8), np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()

    save("tiny.gguf", llama)


# --- words and statistics ----------------------------------------------------------------------------------


def words() -> None:
    import nltk
    import spacy
    from gensim import corpora, models

    texts = [["human", "interface", "computer"], ["survey", "user", "computer", "system"]] * 10
    dictionary = corpora.Dictionary(texts)
    corpus = [dictionary.doc2bow(text) for text in texts]
    save("word2vec.model", lambda path: models.Word2Vec(texts, vector_size=4, min_count=1).save(str(path)))
    save(
        "fasttext.model",
        lambda path: models.FastText(texts, vector_size=4, min_count=1, bucket=10).save(str(path)),
    )
    save("lda.model", lambda path: models.LdaModel(corpus, id2word=dictionary, num_topics=2).save(str(path)))
    save("lsi.model", lambda path: models.LsiModel(corpus, id2word=dictionary, num_topics=2).save(str(path)))
    save("tfidf.model", lambda path: models.TfidfModel(corpus).save(str(path)))
    save("words.dict", lambda path: dictionary.save(str(path)))
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    save("spacy-model", nlp.to_disk)
    dump("spacy-doc.pkl", nlp("A text. Another."))
    dump("spacy-nlp.pkl", nlp)
    dump("bayes-nltk.pickle", nltk.NaiveBayesClassifier.train([({"a": 1}, "x"), ({"a": 2}, "y")]))
    dump("punkt.pickle", nltk.tokenize.punkt.PunktSentenceTokenizer())


def statistics() -> None:
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    xs, ys = data()
    frame = pd.DataFrame(xs, columns=["a", "b", "c"]).assign(y=ys)
    fits = {
        "ols": smf.ols("c ~ a + b", frame), "logit": sm.Logit(ys, sm.add_constant(xs[:, :1])),
        "glm": sm.GLM(ys, xs, family=sm.families.Binomial()), "arima": sm.tsa.ARIMA(frame.a, order=(1, 0, 0)),
        "sarimax": sm.tsa.SARIMAX(frame.a, order=(1, 0, 0)), "smooth": sm.tsa.ExponentialSmoothing(frame.a + 1),
    }  # fmt: skip
    for name, model in fits.items():
        save(f"stats-{name}.pickle", lambda path, model=model: model.fit().save(str(path)))
    from scipy import interpolate, sparse, spatial, stats

    dump(
        "scipy.pkl",
        [sparse.random(5, 5, 0.5, "csr"), stats.norm(1, 2), spatial.cKDTree(xs), stats.gaussian_kde(xs.T)],
    )
    dump("spline.pkl", interpolate.CubicSpline(np.arange(5.0), np.arange(5.0)))


def fastai() -> None:
    import pandas as pd
    from fastai.tabular.all import Categorify, CategoryBlock, Normalize, TabularDataLoaders, tabular_learner

    frame = pd.DataFrame({"a": [1.0, 2, 3, 4] * 8, "b": ["x", "y"] * 16, "y": [0, 1] * 16})
    loaders = TabularDataLoaders.from_df(
        frame,
        path=OUT,
        y_names="y",
        cat_names=["b"],
        cont_names=["a"],
        procs=[Categorify, Normalize],
        y_block=CategoryBlock(),
        bs=8,
    )
    learner = tabular_learner(loaders, layers=[4])
    save("export.pkl", learner.export)


def configurations() -> None:
    hydra = "defaults:\n  - model: net\nmodel:\n  _target_: src.models.Net\n  optimizer:\n    _target_: torch.optim.Adam\n    _partial_: true\n    lr: 0.001\ntrainer:\n  _target_: lightning.pytorch.Trainer\n  callbacks:\n    - _target_: lightning.pytorch.callbacks.EarlyStopping\n"
    hparams = "lr: !!python/object/apply:numpy._core.multiarray.scalar\n- !!python/object/apply:numpy.dtype\n  args:\n  - f8\n  - false\n  - true\n  state: !!python/tuple\n  - 3\n  - <\n  - null\n  - null\n  - null\n  - -1\n  - -1\n  - 0\n- !!binary |\n  mpmZmZmZuT8=\nroot: !!python/object/apply:pathlib.PosixPath\n- data\n"
    save("hydra.yaml", lambda path: path.write_text(hydra))
    save("hparams.yaml", lambda path: path.write_text(hparams))
    save(
        "template.jinja",
        lambda path: path.write_text("{% for m in messages %}{{ m['content'] | trim }}{% endfor %}"),
    )


def tensorflow() -> None:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow as tf

    class Net(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(tf.random.normal([3, 2]), name="w")
            rows = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
            self.table = tf.lookup.StaticHashTable(rows, -1)

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def __call__(self, x: object) -> object:
            return tf.nn.relu(tf.matmul(x, self.w))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def look(self, x: object) -> object:
            return self.table.lookup(x)

    net = Net()
    save("tf-saved-model", lambda path: tf.saved_model.save(net, str(path)))
    save("tf-graph.pb", lambda path: path.write_bytes(_frozen(net)))
    save("tf-checkpoint", lambda path: tf.train.Checkpoint(net=net).write(str(path / "ckpt")))
    examples = [tf.train.Example().SerializeToString() for _ in range(5)]
    save("tf-rows.tfrecord", lambda path: _rows(path, examples))
    model = tf.keras.Sequential(
        [tf.keras.layers.Dense(4, "relu", input_shape=(3,)), tf.keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    lite = tf.lite.TFLiteConverter.from_keras_model(model)
    save("tf-model.tflite", lambda path: path.write_bytes(lite.convert()))
    save("tf-keras.keras", lambda path: model.save(str(path)))
    save("tf-keras.h5", lambda path: model.save(str(path)))
    save("tf-keras.weights.h5", lambda path: model.save_weights(str(path)))
    save("tf-keras-export", lambda path: model.export(str(path)))
    vector = tf.keras.layers.TextVectorization(vocabulary=["a", "b", "c"])
    words = tf.keras.Sequential(
        [tf.keras.Input((1,), dtype="string"), vector, tf.keras.layers.Embedding(8, 2)]
    )
    save("tf-words.keras", lambda path: words.save(str(path)))
    save("tf-words-export", lambda path: words.export(str(path)))


def _frozen(net: object) -> bytes:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    concrete = net.__call__.get_concrete_function()
    return convert_variables_to_constants_v2(concrete).graph.as_graph_def().SerializeToString()


def _rows(path: Path, examples: list[bytes]) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example)


FAMILIES = (
    plain, numpy, pandas, sklearn, boosters, torch, transformers, keras, exchanged, words, statistics, fastai, configurations,
    tensorflow,
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = {family.__name__: family for family in FAMILIES}
    parser.add_argument("family", nargs="*", choices=[*known, []], help="only these, beside what is there")
    wanted = parser.parse_args().family
    if not wanted:
        shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True, exist_ok=True)
    for family in map(known.__getitem__, wanted) if wanted else FAMILIES:
        try:
            family()
        except Exception as error:  # noqa: BLE001  (a library that is absent)
            missed.append(f"{family.__name__}: {type(error).__name__}: {str(error)[:100]}")
    print(f"{len(list(OUT.iterdir()))} samples under {OUT}")
    for row in missed:
        print(f"left out: {row}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
