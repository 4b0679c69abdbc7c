"""The vendors behind `interfaces.Provider`: one package each, over one way of speaking HTTP.

Only the composition root names a concrete vendor.
"""
