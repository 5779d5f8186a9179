"""Real objects of real libraries, family by family, found by enumerating the libraries themselves.

Each family yields whatever it could build. What a release cannot build is passed over: the list is made of
what was seen, and says with which releases.
"""

import datetime as dt
import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

warnings.simplefilter("ignore")

Objects = Iterator[object]


def attempt(build: Callable[[], object]) -> Objects:
    """What ``build`` makes, or nothing."""
    try:
        yield build()
    except Exception:  # noqa: BLE001  (enumerated constructors fail in every way there is)
        return


def classes(module: ModuleType, base: type = object) -> list[type]:
    """The public classes of a module that derive from ``base``."""
    found = [
        value
        for name, value in sorted(vars(module).items())
        if not name.startswith("_") and inspect.isclass(value) and issubclass(value, base)
    ]
    # An enumeration of pybind11 that is made by __new__ alone ends the process.
    found = [each for each in found if "pybind11" not in f"{type(each)}{each.__mro__}"]
    found = [each for each in found if not any(hasattr(each, name) for name in ("__entries", "__members__"))]
    return [each for each in found if each is not base and not inspect.isabstract(each)]


def submodules(package: str) -> Iterator[ModuleType]:
    """The package and every public module in it that can be imported."""
    top = importlib.import_module(package)
    yield top
    for row in pkgutil.walk_packages(top.__path__, f"{package}.", onerror=lambda _: None):
        if any(part in row.name for part in (".tests", ".test_", ".conftest", ".setup")):
            continue
        for module in attempt(lambda name=row.name: importlib.import_module(name)):
            if isinstance(module, ModuleType):
                yield module


def made(kind: type, *choices: tuple[object, ...]) -> Objects:
    """One object of a class, with the first arguments of ``choices`` that it takes."""
    for given in choices or ((),):
        for value in attempt(lambda given=given: kind(*given)):
            yield value
            return


# --- the standard library and NumPy ------------------------------------------------------------------------


def stdlib() -> Objects:
    import array
    import collections
    import decimal
    import enum
    import fractions
    import http
    import ipaddress
    import pathlib
    import random
    import re
    import string
    import types
    import uuid
    import zoneinfo

    zone = dt.timezone(dt.timedelta(hours=2), "X")
    now = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
    yield [now, now.date(), now.time(), now.astimezone(zone), dt.timedelta(1, 2, 3)]
    yield [zoneinfo.ZoneInfo("UTC"), decimal.Decimal("1.5"), fractions.Fraction(1, 3), decimal.Context()]
    yield [uuid.UUID(int=1), pathlib.Path("a"), pathlib.PurePosixPath("b"), pathlib.PureWindowsPath("c")]
    yield [collections.OrderedDict(a=1), collections.defaultdict(list), collections.deque([1], 3)]
    yield [collections.defaultdict(int), collections.defaultdict(dict), collections.ChainMap({})]
    yield [collections.UserDict(a=1), collections.UserList([1]), collections.UserString("a")]
    yield [
        collections.Counter("aab"),
        re.compile("a+", re.IGNORECASE),
        array.array("d", [1.0]),
        random.Random(1),
    ]
    yield [*http.HTTPStatus][:2]
    yield [range(3), slice(1, 2), complex(1, 2), bytearray(b"a"), Ellipsis, NotImplemented, frozenset({1})]
    yield [types.SimpleNamespace(a=1), string.Template("$a"), ipaddress.ip_address("::1"), enum.auto]
    yield [ipaddress.ip_network("10.0.0.0/8"), len, sum, max, min, abs, print, str.upper, dict, int]
    import builtins
    import math
    import operator
    import statistics

    for module in (math, operator, statistics):
        yield [each for name, each in vars(module).items() if callable(each) and not name.startswith("_")]
    for name, kind in vars(builtins).items():
        if inspect.isclass(kind) and issubclass(kind, BaseException) and not name.startswith("_"):
            yield from made(kind, ("a",), ())
    yield from (operator.itemgetter(1, 2), operator.attrgetter("a.b"), operator.methodcaller("lower"))


def numpy() -> Objects:
    import numpy as np

    for code in (*np.typecodes["All"], "U3", "S3", "M8[ns]", "m8[D]", [("a", "f4"), ("b", "i8", (2,))]):
        yield from attempt(lambda code=code: np.zeros(3, code))
        yield from attempt(lambda code=code: np.zeros((2, 2), code, order="F")[0])
        yield from attempt(lambda code=code: np.zeros(1, code)[0])
        yield from attempt(lambda code=code: np.dtype(code))
    yield [np.array([{"a": 1}, None], object), np.ma.masked_array([1, 2], [0, 1]), np.matrix([[1]])]
    yield [np.rec.array([(1, 2.0)]), np.poly1d([1, 2]), np.char.array(["a"]), np.ma.masked]
    for kind in classes(np.random, np.random.BitGenerator):
        for bits in made(kind, (1,)):
            yield [bits, np.random.Generator(bits)]
    yield [np.random.RandomState(1), np.random.default_rng(1), np.random.SeedSequence(1)]
    yield [each for each in vars(np).values() if isinstance(each, np.ufunc)]
    yield [each for each in vars(np).values() if inspect.isclass(each) and issubclass(each, np.generic)]
    functions = ("mean", "sum", "max", "median", "std", "log1p", "argmax", "nanmean", "zeros", "percentile")
    yield [getattr(np, name) for name in functions]
    for name in ("polynomial", "chebyshev", "legendre", "hermite", "laguerre"):
        for module in attempt(lambda name=name: importlib.import_module(f"numpy.polynomial.{name}")):
            for kind in classes(module):  # type: ignore[arg-type]
                yield from made(kind, ([1, 2],))


# --- tables and science ------------------------------------------------------------------------------------


def pandas() -> Objects:
    import numpy as np
    import pandas as pd

    kinds = ("int64", "float32", "bool", "string", "category", "Int64", "Float64", "boolean", "object")
    kinds += ("datetime64[ns]", "timedelta64[ns]", "datetime64[ns, UTC]", "Sparse[float]", "period[M]")
    for kind in kinds:
        for series in attempt(lambda kind=kind: pd.Series([1, 0, 1]).astype(kind)):
            yield series
            yield from attempt(lambda series=series: pd.DataFrame({"a": series, "b": 1.0}))
            yield from attempt(lambda series=series: pd.Index(series))
            yield from attempt(lambda series=series: [series.dtype, series.array, series.iloc[0]])
    stamps = pd.date_range("2026-01-01", periods=3, freq="D")
    yield [stamps, stamps.tz_localize("Europe/Berlin"), pd.period_range("2026-01", periods=2, freq="M")]
    yield [pd.RangeIndex(3), pd.MultiIndex.from_tuples([(1, "a")]), pd.interval_range(0, 2)]
    yield [
        pd.timedelta_range("1D", periods=2),
        pd.CategoricalIndex(["a"]),
        pd.Categorical(["a"], ordered=True),
    ]
    yield [pd.Timestamp("2026"), pd.Timestamp("2026", tz="UTC"), pd.Timedelta(1), pd.Period("2026"), pd.NaT]
    yield [pd.NA, pd.Interval(0, 1), pd.DataFrame(np.zeros((2, 2)), index=stamps[:2]), pd.DataFrame()]
    yield pd.DataFrame({"a": [1], "b": ["x"], "c": [None], "d": stamps[:1], "e": pd.Categorical(["q"])})
    yield pd.DataFrame({"a": [1, 2]}).groupby("a").sum()
    for kind in classes(pd.tseries.offsets):
        yield from made(kind, (), (2,))
    for kind in classes(pd.errors):
        yield from made(kind, ("a",))
    yield from attempt(lambda: pd.array(["a"], dtype="string[pyarrow]"))
    yield from attempt(lambda: pd.DataFrame({"a": [1]}).style)


def scipy() -> Objects:
    import numpy as np
    import scipy as sp
    import scipy.interpolate
    import scipy.signal
    import scipy.sparse
    import scipy.spatial
    import scipy.stats

    dense = np.eye(3)
    for form in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil"):
        for kind in ("matrix", "array"):
            yield from attempt(lambda form=form, kind=kind: getattr(sp.sparse, f"{form}_{kind}")(dense))
    for name, family in vars(sp.stats).items():
        if isinstance(family, sp.stats.rv_continuous | sp.stats.rv_discrete):
            yield from attempt(lambda name=name: getattr(sp.stats, name))
            yield from attempt(lambda family=family: family(*[2.0] * family.numargs))
    points = np.arange(12.0).reshape(6, 2) ** 1.5
    yield from attempt(lambda: [sp.stats.gaussian_kde(points.T), sp.stats.norm(1, 2)])
    yield from attempt(lambda: sp.stats.ttest_ind([1, 2, 3], [2, 3, 5]))
    yield from attempt(lambda: sp.stats.linregress([1, 2, 3], [2, 3, 5]))
    yield from attempt(lambda: sp.stats.rv_histogram(np.histogram([1, 2, 3])))
    xs, ys = np.arange(6.0), np.arange(6.0) ** 2
    for kind in classes(sp.interpolate):
        yield from made(kind, (xs, ys), (points, ys), ((xs,), ys), (xs, xs, np.outer(xs, xs)), (xs, ys, 3))
    for kind in classes(sp.spatial):
        yield from made(kind, (points,), ())
    yield from attempt(lambda: sp.spatial.transform.Rotation.from_euler("x", 1.0))
    yield from attempt(lambda: sp.spatial.transform.Slerp([0, 1], sp.spatial.transform.Rotation.random(2)))
    yield from attempt(lambda: sp.optimize.minimize(lambda x: (x**2).sum(), [1.0, 2.0], method="Nelder-Mead"))
    yield from attempt(lambda: sp.optimize.least_squares(lambda x: x - 1, [0.0]))
    yield from attempt(lambda: sp.integrate.solve_ivp(np.minimum, (0, 1), [1.0]))
    yield from attempt(
        lambda: [sp.signal.lti([1], [1, 2]), sp.signal.dlti([1], [1, 2]), sp.signal.StateSpace(1, 1, 1, 1)]
    )
    yield from attempt(lambda: sp.cluster.hierarchy.to_tree(sp.cluster.hierarchy.linkage(points)))
    yield [sp.special.expit, sp.special.logit, sp.spatial.distance.cosine, sp.stats.pearsonr]


# --- estimators --------------------------------------------------------------------------------------------


def _fitted(estimators: Iterable[tuple[str, type]]) -> Objects:
    import numpy as np
    from sklearn.linear_model import LogisticRegression, Ridge

    random = np.random.RandomState(0)
    xs = np.abs(random.rand(40, 4)) + 0.1
    ys, many = np.arange(40) % 2, (random.rand(40, 3) > 0.5).astype(int)
    texts = ["a b c", "b c d e", "d e f a"] * 10
    targets: list[tuple[object, object]] = [
        (xs, ys),
        (xs, xs[:, 0]),
        (xs, many),
        (xs, xs[:, :2]),
        (xs[:, 0], xs[:, 1]),
    ]
    targets += [(texts, None), ([{"a": 1.0, "b": "x"}] * 5, None), ([[1, 0], [0, 1]], None), (ys, None)]
    inner = (LogisticRegression(), Ridge())
    for _, kind in estimators:
        givens: list[dict[str, object]] = [{}]
        for each in inner:
            givens += [
                {"estimator": each},
                {"estimators": [("a", each), ("b", each)]},
                {"base_estimator": each},
            ]
            givens += [
                {"estimator": each, "param_grid": {}},
                {"estimator": each, "param_distributions": {}, "n_iter": 1},
            ]
            givens += [{"regressor": each}, {"steps": [("a", each)]}]
        givens += [
            {"transformers": [("a", "passthrough", [0])]},
            {"transformer_list": [("a", "passthrough")]},
        ]
        givens += [{"dictionary": random.rand(3, 4)}, {"n_components": 2}]
        for given in givens:
            done = False
            for model in attempt(lambda kind=kind, given=given: kind(**given)):
                yield model
                for features, target in targets:
                    for fitted in attempt(
                        lambda m=model, f=features, t=target: m.fit(f, t) if t is not None else m.fit(f)
                    ):  # type: ignore[attr-defined]
                        yield fitted
                        done = True
            if done:
                break


def sklearn() -> Objects:
    import numpy as np
    import sklearn.gaussian_process.kernels as kernels
    from sklearn import metrics, model_selection, utils
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
    from sklearn.utils import all_estimators

    yield from _fitted(all_estimators())
    for name in metrics.get_scorer_names():
        yield from attempt(lambda name=name: metrics.get_scorer(name))
    yield [each for name, each in vars(metrics).items() if inspect.isfunction(each)]
    for kind in classes(model_selection):
        yield from made(kind, (), (2,), ([0, 1],))
    for kind in classes(kernels):
        yield from made(kind, (), (kernels.RBF(),), (kernels.RBF(), kernels.RBF()), (kernels.RBF(), 2))
    yield utils.Bunch(a=1, data=np.zeros(2))
    for name in ("euclidean", "manhattan", "chebyshev", "minkowski", "hamming", "haversine", "jaccard"):
        yield from attempt(lambda name=name: metrics.DistanceMetric.get_metric(name))
    import sklearn._loss.loss as losses
    from sklearn._loss import link

    for module in (losses, link):
        for kind in classes(module):
            yield from made(kind, (), (3,), (0.5,))
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import SGDClassifier

    xs, ys = np.random.RandomState(0).rand(30, 2), np.arange(30) % 3
    for loss in ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "huber"):
        yield from attempt(lambda loss=loss: SGDClassifier(loss=loss).fit(xs, ys))
    for loss in ("absolute_error", "poisson", "gamma", "quantile", "squared_error"):
        yield from attempt(
            lambda loss=loss: HistGradientBoostingRegressor(loss=loss, quantile=0.5, max_iter=2).fit(
                xs, ys + 1
            )
        )
    yield from attempt(lambda: GradientBoostingClassifier(n_estimators=2, init="zero").fit(xs, ys))


def imblearn() -> Objects:
    from imblearn.utils.testing import all_estimators

    yield from _fitted(all_estimators())


def boosters() -> Objects:
    import numpy as np

    xs, ys = np.random.RandomState(0).rand(40, 3), np.arange(40) % 2
    import xgboost as xgb

    for kind in classes(xgb):
        yield from attempt(lambda kind=kind: kind(n_estimators=2).fit(xs, ys))
    yield from attempt(lambda: xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(xs, ys), 2))
    yield [xgb.callback.EarlyStopping(2), xgb.callback.EvaluationMonitor()]
    import lightgbm as lgb

    for kind in (lgb.LGBMClassifier, lgb.LGBMRegressor):
        yield from attempt(
            lambda kind=kind: kind(n_estimators=2, min_child_samples=2, verbose=-1).fit(xs, ys)
        )
    yield from attempt(lambda: lgb.LGBMRanker(n_estimators=2, verbose=-1).fit(xs, ys, group=[40]))
    yield from attempt(lambda: lgb.train({"verbose": -1}, lgb.Dataset(xs, ys), 2))
    import catboost as cat

    for kind in (cat.CatBoostClassifier, cat.CatBoostRegressor, cat.CatBoostRanker, cat.CatBoost):
        yield from attempt(
            lambda kind=kind: kind({"iterations": 2, "verbose": False, "allow_writing_files": False}).fit(
                xs, ys
            )
        )
    yield from attempt(
        lambda: cat.CatBoostClassifier(iterations=2, verbose=False, allow_writing_files=False).fit(xs, ys)
    )


# --- networks ----------------------------------------------------------------------------------------------

_SIZES: tuple[tuple[object, ...], ...] = (
    (), (4,), (4, 4), (4, 4, 3), ((4, 4),), (2, 4, 4), (4, 2), (8, 2, 8), (2, 4, (1, 2)),
    (4, 4, 4, 4), (0.5, 0.5),
)  # fmt: skip


def torch() -> Objects:
    import torch
    from torch import nn

    seen: set[type] = set()
    for package in ("torch.nn", "torch.ao.nn", "torch.ao.quantization"):
        for module in submodules(package):
            for kind in classes(module):
                if kind.__module__.startswith("torch.") and kind not in seen:
                    seen.add(kind)
                    yield from made(
                        kind, *_SIZES, (nn.Linear(4, 4), 2), ([nn.Linear(4, 4)],), (nn.Linear(4, 4),)
                    )
    yield nn.Sequential(
        nn.Linear(4, 4), nn.ReLU(), nn.Conv2d(1, 2, 3), nn.LSTM(4, 4), nn.ModuleDict({"a": nn.GELU()})
    )
    yield nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2), 1)
    model = nn.Linear(3, 2)
    for kind in classes(torch.optim, torch.optim.Optimizer):
        for optimizer in attempt(lambda kind=kind: kind(model.parameters(), lr=0.1)):
            model(torch.ones(1, 3)).sum().backward()
            yield from attempt(lambda o=optimizer: [o.step(), o.state_dict(), o])
            for schedule in classes(torch.optim.lr_scheduler):
                yield from made(
                    schedule,
                    (optimizer,),
                    (optimizer, 2),
                    (optimizer, [2]),
                    (optimizer, 0.1, 3),
                    (optimizer, lambda n: n),
                )
    for module in submodules("torch.distributions"):
        for kind in classes(module):
            yield from made(
                kind, (torch.tensor(0.5),), (torch.tensor(0.0), torch.tensor(1.0)), (torch.ones(3),), ()
            )
    dtypes = [each for each in vars(torch).values() if isinstance(each, torch.dtype)]
    for dtype in dtypes:
        yield from attempt(lambda dtype=dtype: torch.zeros(2, dtype=dtype))
    yield [
        *dtypes,
        torch.device("cpu"),
        torch.Size([1]),
        torch.strided,
        torch.contiguous_format,
        torch.Generator(),
    ]
    yield from attempt(lambda: torch.ones(2, 2).to_sparse())
    yield from attempt(lambda: torch.ones(2, 2).to_sparse_csr())
    yield from attempt(lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8))
    yield from attempt(
        lambda: torch.quantize_per_channel(torch.ones(2, 2), torch.ones(2), torch.zeros(2), 0, torch.qint8)
    )
    yield from attempt(lambda: torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]))
    yield [
        nn.Parameter(torch.ones(1)),
        nn.Buffer(torch.ones(1)),
        torch.ones(2).to(torch.bfloat16),
        torch.FloatStorage(2),
    ]
    yield nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)).state_dict()
    for module in (torch.nn.functional, torch):
        yield [each for name, each in vars(module).items() if callable(each) and name in _FUNCTIONS]
    from torch.distributed.checkpoint import metadata

    whole = torch.Size([2])
    properties = metadata.TensorProperties.create_from_tensor(torch.ones(2))
    chunk = metadata.ChunkStorageMetadata(torch.Size([0]), whole)
    kept = {
        "w": metadata.TensorStorageMetadata(properties, whole, [chunk]),
        "b": metadata.BytesStorageMetadata(),
    }
    index = metadata.MetadataIndex("w", torch.Size([0]))
    yield metadata.Metadata(kept, {"w": ("w",)}, {index: None}, metadata.StorageMeta())
    yield list(metadata._MEM_FORMAT_ENCODING)
    from torch.distributed.checkpoint.filesystem import _StorageInfo, _StoragePrefix

    yield [_StorageInfo("__0_0.distcp", 0, 8), _StoragePrefix("__0_")]
    import torch.utils.data as data

    for kind in classes(data):
        yield from made(kind, (torch.ones(2, 2),), ([1, 2],), ([1, 2], 2, False), ([1, 2], [0]))


_FUNCTIONS = (
    "relu",
    "gelu",
    "silu",
    "tanh",
    "sigmoid",
    "softmax",
    "leaky_relu",
    "elu",
    "cross_entropy",
    "mse_loss",
)


def torchvision() -> Objects:
    import torchvision

    for name in torchvision.models.list_models():
        if any(
            part in name
            for part in ("vit_h", "vit_l", "regnet_y_128", "huge", "large", "swin_b", "101", "152")
        ):
            continue
        yield from attempt(lambda name=name: torchvision.models.get_model(name, weights=None))
        # Those that stand on another model would fetch its weights.
        yield from attempt(
            lambda name=name: torchvision.models.get_model(name, weights=None, weights_backbone=None)
        )
    for package in ("torchvision.transforms", "torchvision.ops"):
        for module in submodules(package):
            for kind in classes(module):
                yield from made(
                    kind, (), (4,), (0.5,), ([0.5], [0.5]), ([],), ((4, 4),), (lambda x: x,), (4, 4)
                )


def transformers() -> Objects:
    import transformers as hf

    for kind in classes(hf, hf.PretrainedConfig):
        yield from made(kind)
    yield from attempt(lambda: hf.TrainingArguments("out", use_cpu=True))
    yield from attempt(lambda: hf.Seq2SeqTrainingArguments("out", use_cpu=True))
    yield from (hf.GenerationConfig(), hf.BatchEncoding({"a": [1]}), hf.TrainerState(), hf.TrainerControl())
    small = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "vocab_size": 50,
    }
    small |= {
        "d_model": 16,
        "n_embd": 16,
        "n_layer": 1,
        "n_head": 2,
        "num_layers": 1,
        "d_kv": 8,
        "d_ff": 16,
        "num_heads": 2,
        "dim": 16,
        "n_heads": 2,
        "n_layers": 1,
        "hidden_dim": 16,
    }
    for name in (
        "Bert",
        "Roberta",
        "GPT2",
        "DistilBert",
        "T5",
        "Llama",
        "Mistral",
        "Bart",
        "Electra",
        "ViT",
        "Albert",
        "XLMRoberta",
        "Qwen2",
        "Gemma",
        "Phi",
        "OPT",
        "GPTNeoX",
        "MPNet",
        "DebertaV2",
        "Wav2Vec2",
        "Whisper",
        "CLIP",
    ):
        for config in attempt(lambda name=name: getattr(hf, f"{name}Config")(**small)):
            yield from attempt(lambda name=name, config=config: getattr(hf, f"{name}Model")(config))
            yield from attempt(
                lambda name=name, config=config: getattr(hf, f"{name}ForSequenceClassification")(config)
            )
    yield from _tokenizers()


def _tokenizers() -> Objects:
    import tokenizers
    import transformers as hf

    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
    plain.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    yield plain
    fast = hf.PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="[UNK]")
    yield [fast, fast(["a a"])]
    for module in (
        tokenizers.models,
        tokenizers.pre_tokenizers,
        tokenizers.normalizers,
        tokenizers.decoders,
        tokenizers.processors,
    ):
        for kind in classes(module):
            yield from made(kind, (), (("a", 1), ("b", 2)))


def sentence_transformers() -> Objects:
    import sentence_transformers as st
    import transformers as hf
    from sentence_transformers import models

    yield from attempt(lambda: models.Pooling(16))
    for kind in classes(models):
        yield from made(kind, (16,), (16, 16), ())
    yield from attempt(
        lambda: st.SentenceTransformer(modules=[models.Dense(4, 4), models.Normalize()], device="cpu")
    )
    del hf


# --- words -------------------------------------------------------------------------------------------------


def spacy() -> Objects:
    import spacy

    for language in ("en", "de", "xx", "fr"):
        for nlp in attempt(lambda language=language: spacy.blank(language)):
            yield from attempt(lambda nlp=nlp: nlp("Hello there. A text."))
            yield nlp.vocab  # type: ignore[attr-defined]
            for pipe in ("sentencizer", "tagger", "ner", "textcat", "entity_ruler", "tok2vec", "parser"):
                yield from attempt(lambda nlp=nlp, pipe=pipe: nlp.add_pipe(pipe))  # type: ignore[attr-defined]
            yield nlp


def gensim() -> Objects:
    import gensim
    from gensim import corpora, models

    texts = [["human", "interface", "computer"], ["survey", "user", "computer", "system"]] * 10
    words = corpora.Dictionary(texts)
    corpus = [words.doc2bow(text) for text in texts]
    yield [words, corpora.HashDictionary(texts)]
    yield from attempt(lambda: models.Word2Vec(texts, vector_size=4, min_count=1))
    yield from attempt(lambda: models.Word2Vec(texts, vector_size=4, min_count=1).wv)
    yield from attempt(lambda: models.FastText(texts, vector_size=4, min_count=1, bucket=10))
    yield from attempt(
        lambda: models.Doc2Vec(
            [models.doc2vec.TaggedDocument(t, [i]) for i, t in enumerate(texts)], vector_size=4, min_count=1
        )
    )
    yield from attempt(
        lambda: [models.Phrases(texts, min_count=1), models.Phrases(texts, min_count=1).freeze()]
    )
    for kind in classes(models):
        yield from attempt(lambda kind=kind: kind(corpus, id2word=words))
        yield from made(kind, (corpus,))
    yield from attempt(lambda: gensim.similarities.MatrixSimilarity(corpus, num_features=len(words)))


def statsmodels() -> Objects:
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    random = np.random.RandomState(0)
    frame = pd.DataFrame(random.rand(60, 3), columns=["a", "b", "c"])
    frame["y"] = (frame.a + random.rand(60) > 1).astype(int)
    xs = sm.add_constant(frame[["a", "b"]])
    for kind in classes(sm):
        yield from attempt(lambda kind=kind: kind(frame.c, xs).fit())
        yield from attempt(lambda kind=kind: kind(frame.y, xs).fit(disp=0))
    for name in ("ols", "wls", "glm", "logit", "poisson", "rlm", "quantreg", "negativebinomial"):
        yield from attempt(lambda name=name: getattr(smf, name)("y ~ a + C(c > 0.5)", frame).fit())
    for family in classes(sm.families):
        yield from attempt(lambda family=family: sm.GLM(frame.y + 0.1, xs, family=family()).fit())
    stamps = frame.set_index(pd.date_range("2026-01-01", periods=60))
    yield from attempt(lambda: sm.tsa.SARIMAX(stamps.c, order=(1, 0, 0)).fit(disp=0))
    yield from attempt(lambda: sm.tsa.ARIMA(stamps.c, order=(1, 0, 1)).fit())
    yield from attempt(lambda: sm.tsa.VAR(stamps[["a", "b"]]).fit(1))
    yield from attempt(lambda: sm.tsa.ExponentialSmoothing(stamps.c + 1, trend="add").fit())
    yield from attempt(lambda: sm.tsa.SimpleExpSmoothing(stamps.c).fit())
    yield from attempt(lambda: sm.tsa.AutoReg(stamps.c, 1).fit())
    yield from attempt(lambda: sm.tsa.UnobservedComponents(stamps.c, "level").fit(disp=0))
    yield from attempt(lambda: smf.mixedlm("c ~ a", frame, groups=frame.y).fit())
    yield from attempt(lambda: sm.nonparametric.KDEUnivariate(frame.a).fit())


def fastai() -> Objects:
    import pandas as pd
    from fastai.tabular.all import (
        Categorify,
        CategoryBlock,
        FillMissing,
        Normalize,
        TabularDataLoaders,
        accuracy,
        tabular_learner,
    )

    frame = pd.DataFrame({"a": [1.0, 2, 3, 4] * 8, "b": ["x", "y"] * 16, "y": [0, 1] * 16})
    loaders = TabularDataLoaders.from_df(
        frame,
        path="/tmp",
        y_names="y",
        cat_names=["b"],
        cont_names=["a"],
        procs=[Categorify, FillMissing, Normalize],
        y_block=CategoryBlock(),
        bs=8,
    )
    learner = tabular_learner(loaders, metrics=accuracy, layers=[4])
    learner.dls = loaders.new_empty()
    learner.create_opt()
    yield learner.model
    yield learner


def keras() -> Objects:
    import os

    os.environ["KERAS_BACKEND"] = "torch"
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="relu")])
    model.compile("adam", "mse")
    yield from (model, keras.optimizers.Adam(), keras.losses.MeanSquaredError())


def flair() -> Objects:
    from flair import embeddings, models
    from flair.data import Corpus, Dictionary, Sentence, Span

    sentence = Sentence("Hello there")
    Span(sentence[0:2]).add_label("ner", "PER")
    sentence.add_label("topic", "greeting")
    tags = Dictionary()
    for tag in ("O", "S-PER", "B-PER", "E-PER", "I-PER"):
        tags.add_item(tag)
    words = Dictionary()
    words.add_item("hello")
    yield [tags, sentence, Corpus([sentence], [sentence], [sentence])]
    for name in ("data", "tokenization", "nn", "splitter", "optim"):
        for kind in classes(importlib.import_module(f"flair.{name}")):
            yield from made(kind, ("a b",), (), (4, 2), (tags,))
    for kind in classes(embeddings):
        yield from made(kind, (), (["hello"],), (words,), ([sentence],))
    hot = [*attempt(lambda: embeddings.OneHotEmbeddings(words))]
    for kind in classes(models):
        for one in hot:
            yield from made(kind, (4, one, tags, "ner"), (one, "topic", tags), (one, tags, "ner"))
            pool = embeddings.DocumentPoolEmbeddings([one])
            grown = embeddings.DocumentRNNEmbeddings([one])
            yield from made(kind, (pool, "topic", tags), (grown, "topic", tags), (pool, tags))
            yield [pool, grown, embeddings.StackedEmbeddings([one])]
    for one in hot:
        for given in (
            {"embeddings": one, "tag_dictionary": tags, "tag_type": "ner", "hidden_size": 4},
            {
                "embeddings": one,
                "tag_dictionary": tags,
                "tag_type": "ner",
                "use_crf": False,
                "use_rnn": False,
            },
        ):
            for tagger in attempt(lambda given=given: models.SequenceTagger(**given)):
                yield tagger
                yield from attempt(lambda tagger=tagger: tagger._get_state_dict())


def pyarrow() -> Objects:
    import pyarrow as pa

    table = pa.table(
        {"a": [1, None], "b": ["x", "y"], "c": [1.5, 2.5], "d": [[1], []], "e": [{"k": 1}, None]}
    )
    yield [table, table.schema, table.column("a"), table.to_batches()[0]]
    plain = [
        pa.null(),
        pa.bool_(),
        pa.int8(),
        pa.uint64(),
        pa.float16(),
        pa.float64(),
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.binary(4),
        pa.date32(),
        pa.date64(),
        pa.time32("s"),
        pa.time64("us"),
        pa.duration("ns"),
        pa.timestamp("ns"),
        pa.timestamp("us", tz="UTC"),
        pa.decimal128(10, 2),
        pa.decimal256(50, 2),
        pa.list_(pa.int8()),
        pa.list_(pa.int8(), 2),
        pa.large_list(pa.int8()),
        pa.map_(pa.string(), pa.int8()),
        pa.struct([("a", pa.int8())]),
        pa.dictionary(pa.int8(), pa.string()),
        pa.string_view(),
        pa.binary_view(),
        pa.run_end_encoded(pa.int32(), pa.int8()),
        pa.month_day_nano_interval(),
        pa.bool8(),
        pa.uuid(),
        pa.sparse_union([pa.field("a", pa.int8())]),
        pa.dense_union([pa.field("a", pa.int8())]),
    ]
    for kind in plain:
        yield [kind, pa.field("x", kind), pa.schema([("x", kind)], {"k": "v"})]
        yield from attempt(lambda kind=kind: pa.array([None, None], kind))
        yield from attempt(lambda kind=kind: pa.chunked_array([pa.array([None], kind)]))
        yield from attempt(lambda kind=kind: pa.scalar(None, kind))
    yield [pa.array(["x", "x"]).dictionary_encode(), pa.py_buffer(b"ab"), pa.scalar(1)]


def nltk() -> Objects:
    import nltk

    yield [nltk.FreqDist("abc"), nltk.NaiveBayesClassifier.train([({"a": 1}, "x"), ({"a": 2}, "y")])]
    yield [nltk.stem.PorterStemmer(), nltk.stem.SnowballStemmer("english"), nltk.WordNetLemmatizer()]
    tagger = nltk.UnigramTagger([[("a", "DT"), ("cat", "NN")]], backoff=nltk.DefaultTagger("NN"))
    yield [tagger, nltk.tokenize.punkt.PunktSentenceTokenizer(), nltk.RegexpParser("NP: {<DT><NN>}")]


FAMILIES: dict[str, Callable[[], Objects]] = {
    each.__name__: each
    for each in (
        stdlib, numpy, pandas, scipy, sklearn, imblearn, boosters, torch, torchvision, transformers,
        sentence_transformers, spacy, gensim, statsmodels, fastai, keras, flair, nltk, pyarrow,
    )
}  # fmt: skip
