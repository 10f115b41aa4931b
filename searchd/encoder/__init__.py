"""The encoder: text to unit vectors through ONNX Runtime."""
