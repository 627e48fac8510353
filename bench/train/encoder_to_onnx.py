"""Writes a BERT encoder that comes as safetensors (config.json, model.safetensors) as model.onnx, for `encoder:` of plumb/train-text.

    pip install numpy onnx safetensors
    python encoder_to_onnx.py FOLDER OUT/model.onnx        # and copy FOLDER/tokenizer.json beside it

Tried with sentence-transformers' all-MiniLM-L6-v2. Output: last_hidden_state [batch, tokens, size]; whoever reads it takes the mean.
"""
import json
import math
import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save
from safetensors.numpy import load_file

folder, target = sys.argv[1:3]
config = json.load(open(folder + "/config.json", encoding="utf-8"))
assert config["model_type"] == "bert" and config["hidden_act"] == "gelu" and config["position_embedding_type"] == "absolute"
weights = {name.removeprefix("bert."): value for name, value in load_file(folder + "/model.safetensors").items()}
size, heads = config["hidden_size"], config["num_attention_heads"]
nodes, constants = [], {}


def constant(name, value):
    constants[name] = value
    return name


def op(kind, *inputs, **attributes):
    output = f"{kind}{len(nodes)}"
    nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
    return output


def weight(name):
    return constant(name, weights[name].astype(np.float32))


def dense(x, name):
    kernel = constant(name + ".kernel", np.ascontiguousarray(weights[name + ".weight"].astype(np.float32).T))
    return op("Add", op("MatMul", x, kernel), weight(name + ".bias"))


def norm(x, name):
    return op("LayerNormalization", x, weight(name + ".weight"), weight(name + ".bias"), axis=-1, epsilon=config["layer_norm_eps"])


def split(x):
    return op("Transpose", op("Reshape", x, constant("split", np.array([0, 0, heads, size // heads]))), perm=[0, 2, 1, 3])


tokens = op("Shape", "input_ids", start=1, end=2)
places = op("Slice", weight("embeddings.position_embeddings.weight"), constant("zero", np.array([0])), tokens)
x = op("Add", op("Gather", weight("embeddings.word_embeddings.weight"), "input_ids"), places)
x = op("Add", x, op("Gather", weight("embeddings.token_type_embeddings.weight"), "token_type_ids"))
x = norm(x, "embeddings.LayerNorm")
mask = op("Unsqueeze", op("Cast", "attention_mask", to=TensorProto.FLOAT), constant("axes", np.array([1, 2])))
mask = op("Mul", op("Sub", constant("one", np.float32(1)), mask), constant("far", np.float32(-1e9)))
for layer in range(config["num_hidden_layers"]):
    at = f"encoder.layer.{layer}."
    query, key, value = (split(dense(x, f"{at}attention.self.{name}")) for name in ("query", "key", "value"))
    scores = op("MatMul", query, op("Transpose", key, perm=[0, 1, 3, 2]))
    scores = op("Add", op("Mul", scores, constant("scale", np.float32(1 / math.sqrt(size // heads)))), mask)
    seen = op("Transpose", op("MatMul", op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
    seen = op("Reshape", seen, constant("join", np.array([0, 0, size])))
    x = norm(op("Add", x, dense(seen, at + "attention.output.dense")), at + "attention.output.LayerNorm")
    inner = dense(x, at + "intermediate.dense")
    erf = op("Add", op("Erf", op("Div", inner, constant("root2", np.float32(math.sqrt(2))))), constant("one", np.float32(1)))
    inner = op("Mul", op("Mul", inner, erf), constant("half", np.float32(0.5)))
    x = norm(op("Add", x, dense(inner, at + "output.dense")), at + "output.LayerNorm")
nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"]))
graph = helper.make_graph(
    nodes,
    "bert",
    [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("input_ids", "attention_mask", "token_type_ids")],
    [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", size])],
    [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model)
save(model, target)
