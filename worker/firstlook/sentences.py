"""What a person is told of a file that cannot be taken: one sentence each, with the remedy where there is one."""

from __future__ import annotations

CONVERT = "torch.save(model.state_dict(), 'weights.pt')"
TO_ONNX = "torch.onnx.export(model, images, 'model.onnx')"
AS_ONE = "onnx.save(onnx.load('model.onnx'), 'one.onnx', save_as_external_data=False)"

# What a note begins with that nobody should overlook; pages give such a note a sign.
WARNING = "Warning:"
PROGRAM = (f"It is a program, not data, and is never opened here; save its weights alone with {CONVERT} "
           f"and choose its architecture, or the whole network with {TO_ONNX}.")
TORCHSCRIPT = f"This is TorchScript. {PROGRAM}"
PT2 = f"This is a .pt2 file of torch.export. {PROGRAM}"
PICKLE = f"This is a pickled Python object. {PROGRAM}"
WEB_PAGE = "This is a web page, not a {thing}: the download probably asked for a sign-in or the address was wrong."
LFS = "This is a git-lfs pointer, not the {thing}: fetch the file itself with git lfs pull."
NO_ONNX = "This is called .onnx and holds no ONNX model."
ARRAYS = "These are NumPy arrays: a data set. Drop it on the Data page."
ONE_ARRAY = "This is one NumPy array; a data set needs images and labels together: np.savez('data.npz', images=..., labels=...)."
WEIGHTS = "This is a file of a network, not a data set. Drop it on the Models page."
NO_MODEL = "This is neither an ONNX model, nor a safetensors file, nor a state_dict of torch."
NO_DATASET = ("This is neither an .npz file, nor CIFAR's binary archive, nor a zip with folders of pictures, nor one of recorded "
              "detections, nor a data set that EdgePortal wrote.")
PICKLED_CIFAR = ("This is CIFAR as pickled Python objects, which are programs and never opened here: send the binary version, "
                 "cifar-10-binary.tar.gz or cifar-100-binary.tar.gz.")
MATLAB_CIFAR = "This is CIFAR for Matlab: send the binary version, cifar-10-binary.tar.gz or cifar-100-binary.tar.gz."
TAR_OF_OTHERS = ("Of tar archives only CIFAR's binary version is read; pictures go into a zip, with a folder for each class, "
                 "and so do recorded detections.")
NO_DESCRIPTION = "The file holds tensors but no description of a data set: only EdgePortal's own have one. Send an .npz."
SEND_MODEL = "Send an ONNX model, a safetensors file, or a state_dict of torch (.pt, .pth)."
SEND_DATASET = ("Send an .npz file with images and labels, CIFAR's binary archive, a zip with a folder of pictures for each "
                "class, or one of recorded detections (MOT format).")
SEPARATE = ("The weights of this ONNX model lie in another file ({name}): drop both together, or zip them, "
            f"or save the model as one with {AS_ONE}.")
LEADS_OUT = ("The model wants its weights from {name!r}, which leads out of the upload; data files lie beside the model, "
             "under plain names.")


class Unfit(ValueError):
    """The file cannot be taken; the text is one sentence for a person."""


def printable(text: str) -> str:
    """At most 40 characters, none of which a terminal or a page would act upon."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:40])
