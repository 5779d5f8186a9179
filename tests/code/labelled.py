"""Load sites as the libraries' own documentation writes them: those that may run code or leave a revision
open, and those that are safe. Each has the name of its row, and the text of a module.
"""

# Something has to be said of each of these.
UNSAFE: tuple[tuple[str, str], ...] = (
    (
        "torch.load",
        "import torch\ntorch.load('tensors.pt', weights_only=False)",
    ),
    (
        "torch.load",
        "import torch\ntorch.load('tensors.pt', map_location=torch.device('cpu'), weights_only=False)",
    ),
    (
        "torch.load",
        "import torch, io\n"
        "with open('tensor.pt', 'rb') as f:\n"
        "    buffer = io.BytesIO(f.read())\n"
        "torch.load(buffer, weights_only=False)",
    ),
    (
        "torch.load",
        "from torch import load\nmodel = load('m.pt', weights_only=False)\nmodel.eval()",
    ),
    (
        "torch.load",
        "import torch\n"
        "PATH = 'model.pt'\n"
        "checkpoint = torch.load(PATH, weights_only=False)\n"
        "epoch = checkpoint['epoch']",
    ),
    (
        "torch.load",
        "import torch\n"
        "model = TheModelClass()\n"
        "model.load_state_dict(torch.load('m.pt', weights_only=False))",
    ),
    (
        "torch.load",
        "import torch\noptions = {'weights_only': False}\ntorch.load('m.pt', **options)",
    ),
    (
        "torch.load",
        "import torch\n"
        "from functools import partial\n"
        "load = partial(torch.load, weights_only=False)\n"
        "load('m.pt')",
    ),
    (
        "torch.load",
        "import torch as th\nx = [th.load(p, weights_only=False) for p in ['a.pt', 'b.pt']]",
    ),
    (
        "torch.load",
        "import torch\nmodule = 'torch'\nm = __import__('torch')\nm.load('a.pt', weights_only=False)",
    ),
    (
        "torch.load",
        "import torch\ngetattr(torch, 'load')('a.pt', weights_only=False)",
    ),
    (
        "torch.jit.load",
        "import torch\ntorch.jit.load('scriptmodule.pt')",
    ),
    (
        "torch.jit.load",
        "import torch\ntorch.jit.load('scriptmodule.pt', map_location=torch.device('cpu'))",
    ),
    (
        "torch.jit.load",
        "import torch, io\n"
        "with open('scriptmodule.pt', 'rb') as f:\n"
        "    buffer = io.BytesIO(f.read())\n"
        "torch.jit.load(buffer)",
    ),
    (
        "torch.hub.load",
        "import torch\ntorch.hub.load('pytorch/vision', 'resnet50', weights='ResNet50_Weights.DEFAULT')",
    ),
    (
        "torch.hub.load",
        "import torch\nrepo = 'pytorch/vision'\ntorch.hub.load(repo, 'resnet50')",
    ),
    (
        "torch.hub.load",
        "import torch\ntorch.hub.load('ultralytics/yolov5:v6.0', 'yolov5s')",
    ),
    (
        "torch.hub.load_state_dict_from_url",
        "import torch\n"
        "torch.hub.load_state_dict_from_url('https://s3.amazonaws.com/pytorch/models/resnet18-5c106cde.pth')",
    ),
    (
        "torch.hub.load_state_dict_from_url",
        "from torch.hub import load_state_dict_from_url\n"
        "load_state_dict_from_url('https://x.io/a.pth', progress=True)",
    ),
    (
        "torch.package",
        "from torch.package import PackageImporter\n"
        "importer = PackageImporter('my_package.pt')\n"
        "importer.load_pickle('model', 'model.pkl')",
    ),
    (
        "torch.package",
        "import torch\ntorch.package.PackageImporter('p.pt')",
    ),
    (
        "pickle",
        "import pickle\nwith open('data.pickle', 'rb') as f:\n    data = pickle.load(f)",
    ),
    (
        "pickle",
        "import pickle\npickle.loads(open('d.pkl', 'rb').read())",
    ),
    (
        "pickle",
        "from pickle import load\nload(open('d.pkl', 'rb'))",
    ),
    (
        "pickle",
        "import pickle as p\np.load(open('d.pkl', 'rb'))",
    ),
    (
        "dill",
        "import dill\nwith open('data.pickle', 'rb') as f:\n    data = dill.load(f)",
    ),
    (
        "dill",
        "import dill\ndill.loads(open('d.pkl', 'rb').read())",
    ),
    (
        "dill",
        "from dill import load\nload(open('d.pkl', 'rb'))",
    ),
    (
        "dill",
        "import dill as p\np.load(open('d.pkl', 'rb'))",
    ),
    (
        "cloudpickle",
        "import cloudpickle\nwith open('data.pickle', 'rb') as f:\n    data = cloudpickle.load(f)",
    ),
    (
        "cloudpickle",
        "import cloudpickle\ncloudpickle.loads(open('d.pkl', 'rb').read())",
    ),
    (
        "cloudpickle",
        "from cloudpickle import load\nload(open('d.pkl', 'rb'))",
    ),
    (
        "cloudpickle",
        "import cloudpickle as p\np.load(open('d.pkl', 'rb'))",
    ),
    (
        "_pickle",
        "import _pickle\nwith open('data.pickle', 'rb') as f:\n    data = _pickle.load(f)",
    ),
    (
        "_pickle",
        "import _pickle\n_pickle.loads(open('d.pkl', 'rb').read())",
    ),
    (
        "_pickle",
        "from _pickle import load\nload(open('d.pkl', 'rb'))",
    ),
    (
        "_pickle",
        "import _pickle as p\np.load(open('d.pkl', 'rb'))",
    ),
    (
        "pickle",
        "import pickle\npickle.Unpickler(open('a.pkl', 'rb')).load()",
    ),
    (
        "pickle",
        "try:\n"
        "    import cPickle as pickle\n"
        "except ImportError:\n"
        "    import pickle\n"
        "pickle.load(open('a', 'rb'))",
    ),
    (
        "pickle",
        "from pickle import *\nload(open('a', 'rb'))",
    ),
    (
        "pickle",
        "import pickle\nfrom pathlib import Path\npickle.loads(Path('a.pkl').read_bytes())",
    ),
    (
        "pickle",
        "import gzip, pickle\n"
        "with gzip.open('mnist.pkl.gz', 'rb') as f:\n"
        "    train = pickle.load(f, encoding='latin-1')",
    ),
    (
        "pickle",
        "import pickle, base64\npickle.loads(base64.b64decode(text))",
    ),
    (
        "pickle",
        "import importlib\nimportlib.import_module('pickle').load(open('a', 'rb'))",
    ),
    (
        "pickle",
        "import pickle\nf = pickle.load\nf(open('a', 'rb'))",
    ),
    (
        "pickle",
        "import pickle\n"
        "class Store:\n"
        "    def load(self, path):\n"
        "        with open(path, 'rb') as f:\n"
        "            return pickle.load(f)",
    ),
    (
        "dill.load_session",
        "import dill\ndill.load_session('session.pkl')",
    ),
    (
        "dill.load_session",
        "import dill\ndill.load_module('s.pkl')",
    ),
    (
        "joblib.load",
        "import joblib\nclf = joblib.load('filename.joblib')",
    ),
    (
        "joblib.load",
        "from joblib import load\nclf = load('filename.joblib')",
    ),
    (
        "joblib.load",
        "import joblib\nwith open('filename.joblib', 'rb') as f:\n    joblib.load(f)",
    ),
    (
        "joblib.load",
        "from sklearn.externals import joblib\njoblib.load('a.pkl')",
    ),
    (
        "pandas.read_pickle",
        "import pandas as pd\npd.read_pickle('./dummy.pkl')",
    ),
    (
        "pandas.read_pickle",
        "from pandas import read_pickle\nread_pickle('a.pkl.gz', compression='gzip')",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.load('a.npy', allow_pickle=True)",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.load('a.npz', allow_pickle=True)['arr_0']",
    ),
    (
        "numpy.load",
        "import numpy\nwith open('t.npy', 'rb') as f:\n    numpy.load(f, allow_pickle=True)",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.load('a.npy', None, True)",
    ),
    (
        "shelve.open",
        "import shelve\nd = shelve.open('spam')",
    ),
    (
        "shelve.open",
        "import shelve\nwith shelve.open('spam') as db:\n    db['eggs'] = 'eggs'",
    ),
    (
        "marshal",
        "import marshal\nmarshal.load(open('a.pyc', 'rb'))",
    ),
    (
        "marshal",
        "import marshal\nexec(marshal.loads(open('c', 'rb').read()))",
    ),
    (
        "keras.load_model",
        "import keras\nkeras.models.load_model('model.keras', safe_mode=False)",
    ),
    (
        "keras.load_model",
        "import tensorflow as tf\nkeras = tf.keras\nkeras.models.load_model('model.keras', safe_mode=False)",
    ),
    (
        "keras.load_model",
        "from tensorflow import keras\nkeras.models.load_model('model.keras', safe_mode=False)",
    ),
    (
        "keras.load_model",
        "from keras.saving import load_model\n"
        "load_model('m.keras', custom_objects={'A': A}, safe_mode=False)",
    ),
    (
        "keras.load_model",
        "import keras\nkeras.config.enable_unsafe_deserialization()\nkeras.models.load_model('m.keras')",
    ),
    (
        "onnxruntime custom ops",
        "import onnxruntime as ort\n"
        "so = ort.SessionOptions()\n"
        "so.register_custom_ops_library('libcustom.so')\n"
        "ort.InferenceSession('m.onnx', so)",
    ),
    (
        "tensorflow libraries",
        "import tensorflow as tf\ntf.load_op_library('./zero_out.so')",
    ),
    (
        "skops.io.load",
        "import skops.io as sio\nsio.load('my-model.skops', trusted=True)",
    ),
    (
        "skops.io.load",
        "from skops.io import load, get_untrusted_types\n"
        "unknown = get_untrusted_types(file='m.skops')\n"
        "load('m.skops', trusted=unknown)",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModel\nAutoModel.from_pretrained('google-bert/bert-base-cased')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModelForCausalLM\n"
        "AutoModelForCausalLM.from_pretrained('google-bert/bert-base-cased')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoTokenizer\n"
        "AutoTokenizer.from_pretrained('google-bert/bert-base-cased')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoConfig\nAutoConfig.from_pretrained('google-bert/bert-base-cased')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoProcessor\n"
        "AutoProcessor.from_pretrained('google-bert/bert-base-cased')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import BertModel\nBertModel.from_pretrained('google-bert/bert-base-cased')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModelForSequenceClassification\n"
        "AutoModelForSequenceClassification.from_pretrained('google-bert/bert-base-cased')",
    ),
    (
        "transformers.from_pretrained",
        "import transformers as t\nt.AutoModel.from_pretrained('bert-base-uncased', revision='main')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModel\n"
        "NAME = 'org/model'\n"
        "def get():\n"
        "    return AutoModel.from_pretrained(NAME)",
    ),
    (
        "trust_remote_code",
        "from transformers import AutoModel\nAutoModel.from_pretrained('a/b', trust_remote_code=True)",
    ),
    (
        "trust_remote_code",
        "from transformers import pipeline\npipeline(model='a/b', trust_remote_code=True)",
    ),
    (
        "trust_remote_code",
        "from transformers import AutoTokenizer\n"
        "kw = dict(trust_remote_code=True)\n"
        "AutoTokenizer.from_pretrained('a/b', **kw)",
    ),
    (
        "trust_remote_code",
        "from vllm import LLM\nLLM(model='a/b', trust_remote_code=True)",
    ),
    (
        "trust_remote_code",
        "from sentence_transformers import SentenceTransformer\n"
        "SentenceTransformer('a/b', trust_remote_code=True)",
    ),
    (
        "trust_remote_code",
        "from transformers import AutoModel\nAutoModel.from_pretrained(name, trust_remote_code=True)",
    ),
    (
        "transformers.pipeline",
        "from transformers import pipeline\npipeline('text-generation', model='openai-community/gpt2')",
    ),
    (
        "transformers.pipeline",
        "from transformers import pipeline\npipeline('ner', 'dslim/bert-base-NER')",
    ),
    (
        "transformers.pipeline",
        "from transformers import pipeline\npipeline('sentiment-analysis')",
    ),
    (
        "diffusers",
        "from diffusers import DiffusionPipeline\n"
        "DiffusionPipeline.from_pretrained('stable-diffusion-v1-5/stable-diffusion-v1-5')",
    ),
    (
        "diffusers",
        "from diffusers import StableDiffusionPipeline\n"
        "StableDiffusionPipeline.from_pretrained('stable-diffusion-v1-5/stable-diffusion-v1-5')",
    ),
    (
        "diffusers",
        "from diffusers import AutoencoderKL\n"
        "AutoencoderKL.from_pretrained('stable-diffusion-v1-5/stable-diffusion-v1-5')",
    ),
    (
        "diffusers",
        "from diffusers import DiffusionPipeline\n"
        "pipe = DiffusionPipeline.from_pretrained('a/b', revision='0123456789abcdef0123456789abcdef01234567')\n"
        "pipe.load_lora_weights('c/lora')",
    ),
    (
        "peft",
        "from peft import PeftModel\nPeftModel.from_pretrained(model, 'ybelkada/opt-350m-lora')",
    ),
    (
        "peft",
        "from peft import AutoPeftModelForCausalLM\nAutoPeftModelForCausalLM.from_pretrained('a/b')",
    ),
    (
        "peft",
        "from peft import PeftConfig\nPeftConfig.from_pretrained('a/b')",
    ),
    (
        "sentence-transformers",
        "from sentence_transformers import SentenceTransformer\nSentenceTransformer('all-MiniLM-L6-v2')",
    ),
    (
        "sentence-transformers",
        "from sentence_transformers import CrossEncoder\nCrossEncoder('cross-encoder/ms-marco-MiniLM-L6-v2')",
    ),
    (
        "huggingface_hub",
        "from huggingface_hub import hf_hub_download\n"
        "hf_hub_download(repo_id='google/pegasus-xsum', filename='config.json')",
    ),
    (
        "huggingface_hub",
        "from huggingface_hub import snapshot_download\nsnapshot_download(repo_id='lysandre/arxiv-nlp')",
    ),
    (
        "huggingface_hub",
        "from huggingface_hub import snapshot_download\nsnapshot_download('a/b', repo_type='dataset')",
    ),
    (
        "datasets",
        "from datasets import load_dataset\nload_dataset('rotten_tomatoes', split='train')",
    ),
    (
        "datasets",
        "import datasets\ndatasets.load_dataset('nyu-mll/glue', 'mrpc')",
    ),
    (
        "datasets",
        "from datasets import load_dataset\nload_dataset('a/b', trust_remote_code=True)",
    ),
    (
        "datasets",
        "from datasets import load_dataset\nload_dataset(path='a/b', streaming=True)",
    ),
    (
        "vllm",
        "from vllm import LLM\nLLM(model='facebook/opt-125m')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.pyfunc.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.pyfunc\nmlflow.pyfunc.load_model(model_uri='models:/m/1')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.sklearn.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.sklearn\nmlflow.sklearn.load_model(model_uri='models:/m/1')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.pytorch.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.pytorch\nmlflow.pytorch.load_model(model_uri='models:/m/1')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.tensorflow.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.tensorflow\nmlflow.tensorflow.load_model(model_uri='models:/m/1')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.keras.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.keras\nmlflow.keras.load_model(model_uri='models:/m/1')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.spark.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.spark\nmlflow.spark.load_model(model_uri='models:/m/1')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.langchain.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.langchain\nmlflow.langchain.load_model(model_uri='models:/m/1')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.fastai.load_model('runs:/1/model')",
    ),
    (
        "mlflow",
        "import mlflow.fastai\nmlflow.fastai.load_model(model_uri='models:/m/1')",
    ),
    (
        "gensim",
        "from gensim.models import Word2Vec\nWord2Vec.load('word2vec.model')",
    ),
    (
        "gensim",
        "import gensim\ngensim.models.KeyedVectors.load('v.kv', mmap='r')",
    ),
    (
        "gensim",
        "from gensim.models.ldamodel import LdaModel\nLdaModel.load('m')",
    ),
    (
        "gensim",
        "from gensim.corpora import Dictionary\nDictionary.load('d.dict')",
    ),
    (
        "fastai",
        "from fastai.vision.all import *\nload_learner('export.pkl')",
    ),
    (
        "fastai",
        "from fastai.learner import load_learner\nload_learner('export.pkl')",
    ),
    (
        "stable-baselines3",
        "from stable_baselines3 import PPO\nPPO.load('ppo_cartpole')",
    ),
    (
        "stable-baselines3",
        "import stable_baselines3 as sb\nsb.DQN.load('d')",
    ),
    (
        "paddle",
        "import paddle\npaddle.load('linear.pdparams')",
    ),
    (
        "nemo",
        "import nemo.collections.asr as nemo_asr\nnemo_asr.models.EncDecCTCModel.restore_from('m.nemo')",
    ),
    (
        "langchain FAISS",
        "from langchain_community.vectorstores import FAISS\n"
        "FAISS.load_local('faiss_index', embeddings, allow_dangerous_deserialization=True)",
    ),
    (
        "yaml",
        "import yaml\nyaml.load(open('a.yaml'), Loader=yaml.Loader)",
    ),
    (
        "yaml",
        "import yaml\nyaml.load(open('a.yaml'), Loader=yaml.UnsafeLoader)",
    ),
    (
        "yaml",
        "import yaml\nyaml.unsafe_load(open('a.yaml'))",
    ),
    (
        "yaml",
        "from yaml import load, Loader\nload(open('a.yaml'), Loader=Loader)",
    ),
    (
        "yaml",
        "try:\n"
        "    from yaml import CLoader as Loader\n"
        "except ImportError:\n"
        "    from yaml import Loader\n"
        "import yaml\n"
        "yaml.load(open('a'), Loader=Loader)",
    ),
    (
        "yaml",
        "import yaml\nyaml.load(open('a'), yaml.Loader)",
    ),
    (
        "code on outside text",
        "import requests\nexec(requests.get('https://x.io/a.py').text)",
    ),
    (
        "code on outside text",
        "from urllib.request import urlopen\nexec(urlopen('https://x.io/a.py').read())",
    ),
    (
        "code on outside text",
        "import openai\n"
        "client = openai.OpenAI()\n"
        "r = client.chat.completions.create(model='gpt-4o', messages=[])\n"
        "code = r.choices[0].message.content\n"
        "exec(code)",
    ),
    (
        "code on outside text",
        "import anthropic, subprocess\n"
        "m = anthropic.Anthropic().messages.create(model='c', messages=[])\n"
        "subprocess.run(m.content[0].text, shell=True)",
    ),
    (
        "code on outside text",
        "from transformers import pipeline\n"
        "g = pipeline('text-generation', model='./m')\n"
        "out = g('hi')\n"
        "eval(out[0]['generated_text'])",
    ),
    (
        "code on outside text",
        "from datasets import load_dataset\n"
        "import os\n"
        "ds = load_dataset('a/b', revision='0123456789abcdef0123456789abcdef01234567')\n"
        "for row in ds['train']:\n"
        "    os.system(row['cmd'])",
    ),
    (
        "code on outside text",
        "import ollama, subprocess\n"
        "r = ollama.chat(model='llama3', messages=[])\n"
        "subprocess.run(['bash', '-c', r['message']['content']])",
    ),
    (
        "code on outside text",
        "import requests, subprocess\n"
        "t = requests.get('https://x.io').json()\n"
        "subprocess.check_output(f\"run {t['name']}\", shell=True)",
    ),
    (
        "fetch",
        "import urllib.request\nurllib.request.urlretrieve('https://x.io/m.pth', 'm.pth')",
    ),
    (
        "fetch",
        "import wget\nwget.download('https://x.io/m.bin')",
    ),
    (
        "fetch",
        "import gdown\ngdown.download('https://drive.google.com/uc?id=1', 'm.pt')",
    ),
    (
        "fetch",
        "import requests\nr = requests.get('https://x.io/weights.h5')\nopen('w.h5', 'wb').write(r.content)",
    ),
    (
        "fetch",
        "import tensorflow as tf\ntf.keras.utils.get_file('flower', origin='https://x.io/f.tgz', untar=True)",
    ),
    (
        "fetch",
        "import pooch\npooch.retrieve(url='https://x.io/a.zip', known_hash=None)",
    ),
    (
        "verification",
        "import requests\nrequests.get('https://x.io', verify=False)",
    ),
    (
        "verification",
        "import requests\ns = requests.Session()\ns.verify = False\ns.get('https://x.io')",
    ),
    (
        "verification",
        "import ssl\nssl._create_default_https_context = ssl._create_unverified_context",
    ),
    (
        "verification",
        "import os\nos.environ['CURL_CA_BUNDLE'] = ''",
    ),
    (
        "verification",
        "import httpx\nhttpx.Client(verify=False)",
    ),
    (
        "verification",
        "import ssl\n"
        "ctx = ssl.create_default_context()\n"
        "ctx.check_hostname = False\n"
        "ctx.verify_mode = ssl.CERT_NONE",
    ),
    (
        "verification",
        "import os\nos.environ.setdefault('PYTHONHTTPSVERIFY', '0')",
    ),
    (
        "verification",
        "import urllib3\nurllib3.PoolManager(cert_reqs='CERT_NONE')",
    ),
    (
        "imports by configuration",
        "import importlib, yaml\nc = yaml.safe_load(open('c.yaml'))\nimportlib.import_module(c['module'])",
    ),
    (
        "imports by configuration",
        "from hydra.utils import instantiate\ninstantiate(cfg.model)",
    ),
    (
        "ray",
        "from ray import cloudpickle\ncloudpickle.loads(data)",
    ),
    (
        "ray",
        "import ray.cloudpickle as p\np.load(open('a','rb'))",
    ),
    (
        "lightning",
        "import pytorch_lightning as pl\n"
        "class Net(pl.LightningModule):\n"
        "    pass\n"
        "Net.load_from_checkpoint('a.ckpt', weights_only=False)",
    ),
)

# Nothing at medium or above may be said of any of these.
SAFE: tuple[tuple[str, str], ...] = (
    (
        "torch.load",
        "import torch\ntorch.load('tensors.pt', weights_only=True)",
    ),
    (
        "torch.load",
        "import torch\ntorch.load('tensors.pt', map_location='cpu', weights_only=True)",
    ),
    (
        "torch.load",
        "import torch\n"
        "model = TheModelClass()\n"
        "model.load_state_dict(torch.load('m.pt', weights_only=True))\n"
        "model.eval()",
    ),
    (
        "torch.load",
        "import torch\nwith open('tensor.pt', 'rb') as f:\n    torch.load(f, weights_only=True)",
    ),
    (
        "torch.load",
        "import torch\ntorch.load('t.pt', mmap=True, weights_only=True)",
    ),
    (
        "torch.hub.load",
        "import torch\ntorch.hub.load('/some/local/path/pytorch/vision', 'resnet50', source='local')",
    ),
    (
        "torch.hub.load",
        "import torch\ntorch.hub.list('pytorch/vision')",
    ),
    (
        "torch.hub.load_state_dict_from_url",
        "import torch\n"
        "torch.hub.load_state_dict_from_url('https://x.io/resnet18-5c106cde.pth', check_hash=True, weights_only=True)",
    ),
    (
        "pickle",
        "import pickle\npickle.dump(data, open('a.pkl', 'wb'))",
    ),
    (
        "pickle",
        "import pickle\npickle.dumps([1, 2])",
    ),
    (
        "pickle",
        "import json\njson.load(open('a.json'))",
    ),
    (
        "pickle",
        "import json\njson.loads(text)",
    ),
    (
        "pickle",
        "import pickletools\npickletools.dis(open('a.pkl', 'rb'))",
    ),
    (
        "pickle",
        "import csv\nrows = csv.reader(open('a.csv'))",
    ),
    (
        "pickle",
        "class Loader:\n    def load(self, path):\n        return open(path).read()\nLoader().load('a')",
    ),
    (
        "pickle",
        "import tomllib\ntomllib.load(open('a.toml', 'rb'))",
    ),
    (
        "joblib.load",
        "import joblib\njoblib.dump(clf, 'filename.joblib')",
    ),
    (
        "joblib.load",
        "from joblib import Parallel, delayed\nParallel(n_jobs=2)(delayed(f)(i) for i in range(9))",
    ),
    (
        "pandas.read_pickle",
        "import pandas as pd\npd.read_parquet('a.parquet')",
    ),
    (
        "pandas.read_pickle",
        "import pandas as pd\npd.read_csv('a.csv')",
    ),
    (
        "pandas.read_pickle",
        "import pandas as pd\ndf.to_pickle('a.pkl')",
    ),
    (
        "pandas.read_pickle",
        "import pandas as pd\npd.read_json('a.json')",
    ),
    (
        "pandas.read_pickle",
        "import pandas as pd\npd.read_feather('a.feather')",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.load('/tmp/123.npy', allow_pickle=False)",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.load('a.npy', mmap_mode='r', allow_pickle=False)",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.loadtxt('a.txt')",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.fromfile('a.bin')",
    ),
    (
        "numpy.load",
        "import numpy as np\nnp.save('a.npy', x)",
    ),
    (
        "keras.load_model",
        "import keras\nkeras.models.load_model('model.keras', safe_mode=True)",
    ),
    (
        "keras.load_model",
        "import tensorflow as tf\nkeras = tf.keras\nkeras.models.load_model('model.keras', safe_mode=True)",
    ),
    (
        "keras.load_model",
        "from tensorflow import keras\nkeras.models.load_model('model.keras', safe_mode=True)",
    ),
    (
        "keras.load_model",
        "import keras\nmodel = keras.Sequential()\nmodel.load_weights('model.weights.h5')",
    ),
    (
        "keras.load_model",
        "import keras\nmodel.save('m.keras')",
    ),
    (
        "onnxruntime",
        "import onnxruntime as ort\n"
        "sess = ort.InferenceSession('model.onnx', providers=['CPUExecutionProvider'])",
    ),
    (
        "onnxruntime",
        "import onnx\nonnx.load('m.onnx')",
    ),
    (
        "onnxruntime",
        "import onnx\nmodel = onnx.load('m.onnx')\nonnx.checker.check_model(model)",
    ),
    (
        "skops.io.load",
        "import skops.io as sio\nsio.load('m.skops')",
    ),
    (
        "skops.io.load",
        "import skops.io as sio\nsio.load('m.skops', trusted=['my.Type'])",
    ),
    (
        "skops.io.load",
        "from skops.io import load\nTYPES = ['a.B']\nload('m.skops', trusted=TYPES)",
    ),
    (
        "skops.io.load",
        "from skops.io import get_untrusted_types\nprint(get_untrusted_types(file='m.skops'))",
    ),
    (
        "boosters",
        "import xgboost as xgb\nbst = xgb.Booster()\nbst.load_model('m.json')",
    ),
    (
        "boosters",
        "import lightgbm as lgb\nlgb.Booster(model_file='m.txt')",
    ),
    (
        "boosters",
        "from catboost import CatBoostClassifier\nm = CatBoostClassifier()\nm.load_model('m.cbm')",
    ),
    (
        "boosters",
        "from xgboost import XGBClassifier\nc = XGBClassifier()\nc.load_model('c.ubj')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModel\n"
        "AutoModel.from_pretrained('google-bert/bert-base-cased', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModelForCausalLM\n"
        "AutoModelForCausalLM.from_pretrained('google-bert/bert-base-cased', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoTokenizer\n"
        "AutoTokenizer.from_pretrained('google-bert/bert-base-cased', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoConfig\n"
        "AutoConfig.from_pretrained('google-bert/bert-base-cased', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoProcessor\n"
        "AutoProcessor.from_pretrained('google-bert/bert-base-cased', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import BertModel\n"
        "BertModel.from_pretrained('google-bert/bert-base-cased', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModelForSequenceClassification\n"
        "AutoModelForSequenceClassification.from_pretrained('google-bert/bert-base-cased', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModel\nAutoModel.from_pretrained('./my_model')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModel\n"
        "import os\n"
        "AutoModel.from_pretrained(os.path.join('out', 'run', 'model'))",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoModel\nAutoModel.from_pretrained('/mnt/models/bert')",
    ),
    (
        "transformers.from_pretrained",
        "from transformers import AutoConfig, AutoModel\nAutoModel.from_config(AutoConfig.for_model('bert'))",
    ),
    (
        "transformers.pipeline",
        "from transformers import pipeline\n"
        "pipeline('text-generation', model='openai-community/gpt2', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "transformers.pipeline",
        "from transformers import pipeline\npipeline('text-generation', model='./local')",
    ),
    (
        "diffusers",
        "from diffusers import DiffusionPipeline\n"
        "DiffusionPipeline.from_pretrained('a/b', revision='0123456789abcdef0123456789abcdef01234567', use_safetensors=True)",
    ),
    (
        "diffusers",
        "from diffusers import StableDiffusionPipeline\n"
        "StableDiffusionPipeline.from_pretrained('a/b', revision='0123456789abcdef0123456789abcdef01234567', use_safetensors=True)",
    ),
    (
        "diffusers",
        "from diffusers import AutoencoderKL\n"
        "AutoencoderKL.from_pretrained('a/b', revision='0123456789abcdef0123456789abcdef01234567', use_safetensors=True)",
    ),
    (
        "peft",
        "from peft import PeftModel\n"
        "PeftModel.from_pretrained(model, 'a/b', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "sentence-transformers",
        "from sentence_transformers import SentenceTransformer\n"
        "SentenceTransformer('all-MiniLM-L6-v2', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "huggingface_hub",
        "from huggingface_hub import hf_hub_download\n"
        "hf_hub_download(repo_id='a/b', filename='c', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "huggingface_hub",
        "from huggingface_hub import snapshot_download\n"
        "snapshot_download(repo_id='a/b', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "huggingface_hub",
        "from huggingface_hub import HfApi\nHfApi().list_models()",
    ),
    (
        "datasets",
        "from datasets import load_dataset\n"
        "load_dataset('a/b', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "datasets",
        "from datasets import load_dataset\nload_dataset('json', data_files='a.json')",
    ),
    (
        "datasets",
        "from datasets import load_dataset\nload_dataset('parquet', data_files={'train': 'a.parquet'})",
    ),
    (
        "datasets",
        "from datasets import load_from_disk\nload_from_disk('d')",
    ),
    (
        "datasets",
        "from datasets import load_dataset\nload_dataset('imagefolder', data_dir='d')",
    ),
    (
        "vllm",
        "from vllm import LLM\n"
        "LLM(model='facebook/opt-125m', revision='0123456789abcdef0123456789abcdef01234567')",
    ),
    (
        "vllm",
        "from llama_cpp import Llama\nLlama(model_path='./m.gguf')",
    ),
    (
        "vllm",
        "import ctranslate2\nctranslate2.Translator('ende_ctranslate2/')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.onnx.load_model('runs:/1/m')",
    ),
    (
        "mlflow",
        "import mlflow\nmlflow.log_metric('a', 1)",
    ),
    (
        "gensim",
        "from gensim.models import KeyedVectors\nKeyedVectors.load_word2vec_format('v.txt', binary=False)",
    ),
    (
        "langchain FAISS",
        "from langchain_community.vectorstores import FAISS\n"
        "FAISS.load_local('faiss_index', embeddings, allow_dangerous_deserialization=False)",
    ),
    (
        "yaml",
        "import yaml\nyaml.safe_load(open('a.yaml'))",
    ),
    (
        "yaml",
        "import yaml\nyaml.load(open('a.yaml'), Loader=yaml.SafeLoader)",
    ),
    (
        "yaml",
        "from yaml import load, SafeLoader\nload(open('a.yaml'), SafeLoader)",
    ),
    (
        "yaml",
        "import yaml\nyaml.load(open('a.yaml'), Loader=yaml.CSafeLoader)",
    ),
    (
        "yaml",
        "import yaml\nyaml.safe_load_all(open('a'))",
    ),
    (
        "yaml",
        "import yaml\nyaml.dump({})",
    ),
    (
        "yaml",
        "from ruamel.yaml import YAML\nYAML(typ='safe').load(open('a'))",
    ),
    (
        "yaml",
        "from omegaconf import OmegaConf\nOmegaConf.load('a.yaml')",
    ),
    (
        "yaml",
        "import yaml\nyaml.load(open('a.yaml'), Loader=yaml.BaseLoader)",
    ),
    (
        "code on outside text",
        "import ast, requests\nast.literal_eval(requests.get('https://x.io').text)",
    ),
    ("code on outside text", "eval('1 + 1')"),
    ("code on outside text", "model.eval()"),
    (
        "code on outside text",
        "import subprocess\nsubprocess.run(['ls', '-l'])",
    ),
    (
        "code on outside text",
        "import subprocess\nsubprocess.run('ls -l', shell=True)",
    ),
    (
        "code on outside text",
        "import requests\nrequests.get('https://x.io').json()",
    ),
    (
        "code on outside text",
        "import pandas as pd\ndf.eval('a + b')",
    ),
    (
        "code on outside text",
        "import requests, subprocess\n"
        "n = int(requests.get('https://x.io').text)\n"
        "subprocess.run(f'sleep {n}', shell=True)",
    ),
    (
        "code on outside text",
        "import re\nre.compile('a')",
    ),
    (
        "fetch",
        "import pooch\npooch.retrieve(url='https://x.io/a.zip', known_hash='sha256:ab')",
    ),
    (
        "fetch",
        "import tensorflow as tf\ntf.keras.utils.get_file('f', origin='https://x.io/f.tgz', file_hash='ab')",
    ),
    (
        "fetch",
        "import requests\nrequests.get('https://x.io/api/v1/users')",
    ),
    (
        "fetch",
        "import requests, hashlib\n"
        "d = requests.get('https://x.io/m.bin').content\n"
        "assert hashlib.sha256(d).hexdigest() == 'ab'",
    ),
    (
        "fetch",
        "import requests\nrequests.post('https://x.io/api', json={})",
    ),
    (
        "verification",
        "import requests\nrequests.get('https://x.io', verify=True)",
    ),
    (
        "verification",
        "import requests\nrequests.get('https://x.io', verify='/ca.pem')",
    ),
    (
        "verification",
        "import ssl\nssl.create_default_context()",
    ),
    (
        "verification",
        "import httpx\nhttpx.Client()",
    ),
    (
        "verification",
        "import os\nos.environ['CURL_CA_BUNDLE'] = '/etc/ca.pem'",
    ),
    (
        "imports by configuration",
        "import importlib\nimportlib.import_module('json')",
    ),
    (
        "imports by configuration",
        "import importlib\nimportlib.import_module('.a', 'pkg')",
    ),
    (
        "safetensors",
        "from safetensors.torch import load_file\nload_file('m.safetensors')",
    ),
    (
        "safetensors",
        "from safetensors import safe_open\n"
        "with safe_open('m.safetensors', framework='pt') as f:\n"
        "    f.get_tensor('a')",
    ),
    (
        "safetensors",
        "from safetensors.numpy import load\nload(open('m.safetensors', 'rb').read())",
    ),
    (
        "spacy",
        "import spacy\nspacy.load('en_core_web_sm')",
    ),
    (
        "nltk",
        "import nltk\nnltk.download('punkt_tab')",
    ),
    (
        "flax",
        "from flax import serialization\nserialization.from_bytes(target, data)",
    ),
    (
        "flax",
        "import orbax.checkpoint as ocp\nocp.PyTreeCheckpointer().restore('/tmp/c')",
    ),
    (
        "lightning",
        "import lightning as L\n"
        "class Net(L.LightningModule):\n"
        "    pass\n"
        "Net.load_from_checkpoint('a.ckpt', weights_only=True)",
    ),
)
